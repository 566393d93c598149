"""A circuit breaker: stops calls to a server that fails, and probes until the server answers.

    closed ──failures in a row──▶ open ──pause──▶ half-open ──the probe succeeds──▶ closed
                                    ▲                  └──────the probe fails──────▶ open

Source: Nygard, "Release It!", 2007, chapter 5. Nygard lets one call through as the probe. Here the
caller sends the probe in the background, so that no request waits for a server that may be down.
"""

from collections.abc import Callable
from enum import StrEnum
from math import inf
from time import monotonic


class BreakerState(StrEnum):
    CLOSED = "closed"  # calls are allowed
    OPEN = "open"
    HALF_OPEN = "half-open"  # a probe is running


class CircuitBreaker:
    """Opens after `maximum_failures` failed calls in a row.

    `pause_seconds` is the time before each probe. `on_change` receives every new state.
    """

    def __init__(
        self,
        maximum_failures: int,
        pause_seconds: float,
        on_change: Callable[[BreakerState], None],
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._maximum_failures = maximum_failures
        self._pause_seconds = pause_seconds
        self._on_change = on_change
        self._clock = clock
        self._failures = 0
        self._opened_at = -inf
        self.state = BreakerState.CLOSED

    @property
    def allows_calls(self) -> bool:
        return self.state is BreakerState.CLOSED

    def claim_probe(self) -> bool:
        """Whether the caller must send a probe now. Only one caller after each pause gets True."""
        if self.state is not BreakerState.OPEN:
            return False
        if self._clock() < self._opened_at + self._pause_seconds:
            return False
        self._enter(BreakerState.HALF_OPEN)
        return True

    def record_probe(self, succeeded: bool) -> None:
        if succeeded:
            self._failures = 0
            self._enter(BreakerState.CLOSED)
        else:
            self._open()

    def record_success(self) -> None:
        """Reset the count of failures. An open breaker stays open: the call began before that."""
        self._failures = 0

    def record_failure(self) -> None:
        self._failures += 1
        if self.allows_calls and self._failures >= self._maximum_failures:
            self._open()

    def _open(self) -> None:
        self._opened_at = self._clock()
        self._enter(BreakerState.OPEN)

    def _enter(self, state: BreakerState) -> None:
        self.state = state
        self._on_change(state)
