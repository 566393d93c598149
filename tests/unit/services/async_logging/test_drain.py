"""One deadline for all who have something to write at the end."""

from services.async_logging.drain import LEAST_SECONDS, Drain
from tests.clock import Clock


def test_the_time_runs_from_the_first_who_asks_and_is_never_quite_over() -> None:
    clock = Clock(100.0)
    drain = Drain(3.0, clock)
    clock.now = 200.0
    assert drain.left() == 3.0
    clock.now = 202.0
    assert drain.left() == 1.0
    clock.now = 300.0
    assert drain.left() == LEAST_SECONDS
