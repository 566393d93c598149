"""Settings of hypothesis for the tests of the load generator."""

from hypothesis import settings

# A busy machine may pause a test for longer than hypothesis' deadline of 200 ms.
settings.register_profile("no-deadline", deadline=None)
settings.load_profile("no-deadline")
