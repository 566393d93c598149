"""Stops asking a server that does not answer, and finds out when it answers again.

    closed ──failures in a row──▶ open ──pause──▶ half-open ──the probe succeeds──▶ closed
                                    ▲                  └──────the probe fails──────▶ open

Source: Nygard, "Release It!", 2007, chapter 5. Unlike there the probe is not a request's: whoever
calls gets to send it beside the requests, none of which is to wait for a server that may be down.
"""

from collections.abc import Callable
from enum import StrEnum
from time import monotonic


class State(StrEnum):
    """Whether calls are let through."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


class CircuitBreaker:
    """Opens after `failures` in a row; `pause` is in seconds between two probes."""

    def __init__(
        self,
        failures: int,
        pause: float,
        changed: Callable[[State], None],
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._most = failures
        self._pause = pause
        self._changed = changed
        self._clock = clock
        self._failures = 0
        self._opened = 0.0
        self.state = State.CLOSED

    @property
    def admits(self) -> bool:
        return self.state is State.CLOSED

    def begin_probe(self) -> bool:
        """Whether the caller is to send a probe now: one at a time, a pause after the opening."""
        if self.state is not State.OPEN or self._clock() < self._opened + self._pause:
            return False
        self._become(State.HALF_OPEN)
        return True

    def probed(self, succeeded: bool) -> None:
        """What came of the probe."""
        if succeeded:
            self._failures = 0
            self._become(State.CLOSED)
        else:
            self._open()

    def succeeded(self) -> None:
        # Of a call that began before the breaker opened: no word on how the server is now.
        self._failures = 0

    def failed(self) -> None:
        self._failures += 1
        if self.admits and self._failures >= self._most:
            self._open()

    def _open(self) -> None:
        self._opened = self._clock()
        self._become(State.OPEN)

    def _become(self, state: State) -> None:
        self.state = state
        self._changed(state)
