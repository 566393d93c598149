"""The events that a pool reports: `pool_metrics.py` counts them for Prometheus."""

from typing import Literal, Protocol

#: Why the pool closed a connection.
CloseReason = Literal[
    "dead",  # It failed a check, or closed while it was free.
    "aged",  # It reached its maximum age.
    "idle",  # It was idle for too long, beyond the minimum.
    "cancelled",  # Its borrower was cancelled or timed out during a statement.
    "failed",  # It closed in use, or was returned within a transaction.
    "drained",  # The pool is closing.
]
#: Why a caller got no connection: its wait timed out, or the queue was full.
RefusalReason = Literal["timeout", "full"]


class PoolObserver(Protocol):
    """Receives each event of a pool as it happens. Every method must return at once."""

    def connection_opened(self) -> None: ...

    def connection_obtained(self, seconds: float) -> None:
        """A caller got a connection after waiting this many seconds."""

    def connection_closed(self, reason: CloseReason) -> None: ...

    def caller_refused(self, reason: RefusalReason) -> None: ...

    def connection_leaked(self) -> None:
        """A connection has been lent for longer than `PoolLimits.leak_seconds`."""
