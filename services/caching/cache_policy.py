"""The policy of a cache: lifetimes, time limits, and behaviour while the source is unavailable."""

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CachePolicy:
    """The settings of a cache. Durations are in seconds.

    - lifetime: How long an entry is served without a refresh, minus up to 10 % at random.
    - stale_lifetime: How long an expired entry is still served while a refresh runs.
    - absent_lifetime: The lifetime of an entry which says that the source has no such item.
    - lease_seconds: The timeout of a load. Other processes wait this long for its result.
    - fence_seconds: The longest time that a write may take, from its fence to its commit.
    - serve_unverified: Whether to serve an entry whose epoch cannot be checked because the source
      is unavailable. If False, the error of the source is raised instead.
    - source_errors: The exceptions that an unavailable source raises.
    """

    lifetime: float
    stale_lifetime: float
    absent_lifetime: float
    lease_seconds: float
    fence_seconds: float
    serve_unverified: bool
    source_errors: tuple[type[Exception], ...]


@dataclass(frozen=True, slots=True)
class Clocks:
    """The two clocks of a cache, in seconds. Tests replace them.

    `unix` dates entries, because all processes share it. `monotonic` orders events in one process.
    """

    monotonic: Callable[[], float] = time.monotonic
    unix: Callable[[], float] = time.time
