"""Counts the events of a connection pool."""

from collections import Counter

from services.connection_pooling.pool_observer import CloseReason, RefusalReason


class CountingObserver:
    """A `PoolObserver` that counts events."""

    def __init__(self) -> None:
        self.opened = 0
        self.waits: list[float] = []
        self.closed: Counter[CloseReason] = Counter()
        self.refused: Counter[RefusalReason] = Counter()
        self.leaked = 0

    def connection_opened(self) -> None:
        self.opened += 1

    def connection_obtained(self, seconds: float) -> None:
        self.waits.append(seconds)

    def connection_closed(self, reason: CloseReason) -> None:
        self.closed[reason] += 1

    def caller_refused(self, reason: RefusalReason) -> None:
        self.refused[reason] += 1

    def connection_leaked(self) -> None:
        self.leaked += 1
