"""The events that a pool reports: `pool_metrics.py` counts them for Prometheus."""

from typing import Literal, Protocol

CloseReason = Literal["dead", "aged", "idle", "cancelled", "failed", "drained"]
RefusalReason = Literal["timeout", "full"]


class PoolObserver(Protocol):
    """Receives each event of a pool as it happens. Every method must return at once."""

    def connection_opened(self) -> None: ...

    def connection_obtained(self, seconds: float) -> None:
        """A caller got a connection after waiting this many seconds."""

    def connection_closed(self, reason: CloseReason) -> None:
        """The pool closed a connection.

            dead       it failed a check, or closed while it was free
            aged       it reached its maximum age
            idle       it was idle for too long, beyond the minimum
            cancelled  its borrower was cancelled or timed out during a statement
            failed     it closed in use, or was returned inside a transaction
            drained    the pool is closing
        """

    def caller_refused(self, reason: RefusalReason) -> None:
        """A caller got no connection: its wait timed out, or the queue was full."""

    def connection_leaked(self) -> None:
        """A connection has been lent for longer than `PoolLimits.leak_seconds`."""
