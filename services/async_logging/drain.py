"""How long the process still has, once it is to end, to write what waits."""

from collections.abc import Callable

from aiohttp import web

#: Left to each even when others have used the time up: what has been written long ago says so.
LEAST_SECONDS = 0.1


class Drain:
    """One deadline for all who write, `seconds` after the first of them asks for it."""

    def __init__(self, seconds: float, clock: Callable[[], float]) -> None:
        self._seconds = seconds
        self._clock = clock
        self._latest: float | None = None

    def left(self) -> float:
        """In seconds; the first call starts the clock."""
        now = self._clock()
        if self._latest is None:
            self._latest = now + self._seconds
        return max(LEAST_SECONDS, self._latest - now)


DRAIN = web.AppKey("drain", Drain)
