"""Records a pool's connections and waiters, and decides what happens to them.

The ledger does no input or output and reads no clock. Callers pass in the time, in seconds of one
monotonic clock. `pool.py`, `connection_supply.py` and `housekeeping.py` act on its decisions.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from types import CodeType
from typing import Any, Generic, Protocol, TypeVar

Connection = TypeVar("Connection")


class TooManyWaiters(Exception):
    """The maximum number of callers already waits for a connection."""


@dataclass(frozen=True, slots=True)
class PoolLimits:
    """How many connections and waiters a pool may have, and how long each may last.

    `timeout_seconds` bounds the wait for a connection. A connection that was idle for longer than
    `check_idle_seconds` is checked before the pool lends it. Beyond the minimum, a connection that
    was idle for `maximum_idle_seconds` is closed. A connection that is lent for longer than
    `leak_seconds` is reported as a leak.
    """

    minimum: int
    maximum: int
    maximum_waiters: int = 1000
    timeout_seconds: float = 5.0
    check_idle_seconds: float = 5.0
    maximum_idle_seconds: float = 300.0
    maximum_age_seconds: float = 1800.0
    leak_seconds: float = 15.0


class PooledConnection(Generic[Connection]):
    """An open connection with its times and its last borrower."""

    __slots__ = (
        "borrowed_at",
        "borrower_code",
        "borrower_line",
        "connection",
        "expires_at",
        "is_leak_reported",
        "returned_at",
    )

    borrower_line: int

    def __init__(self, connection: Connection, now: float, expires_at: float) -> None:
        self.connection = connection
        self.expires_at = expires_at
        self.returned_at = now
        self.borrowed_at = now
        self.borrower_code: CodeType | None = None
        self.is_leak_reported = False

    def is_expired(self, now: float) -> bool:
        return now >= self.expires_at

    @property
    def borrower(self) -> str:
        """File, line and function that borrowed the connection last."""
        code = self.borrower_code
        if code is None:
            return "an unknown place"
        return f"{code.co_filename}:{self.borrower_line} in {code.co_qualname}"


class Waiter(Protocol):
    """The methods of asyncio.Future that the ledger calls."""

    def done(self) -> bool: ...

    def set_result(self, pooled: Any, /) -> None: ...

    def set_exception(self, error: Exception, /) -> None: ...


class Ledger(Generic[Connection]):
    """The connections of a pool, each free or lent, and the waiters in order of arrival.

    A connection that is being opened is only counted, in `opening`.
    """

    def __init__(self, limits: PoolLimits) -> None:
        self.limits = limits
        self.free: list[PooledConnection[Connection]] = []
        self.lent: set[PooledConnection[Connection]] = set()
        self.waiters: deque[Waiter] = deque()
        self.opening = 0
        self._last_failure = float("-inf")

    @property
    def size(self) -> int:
        """The number of open connections."""
        return len(self.free) + len(self.lent)

    def lend_free(self) -> PooledConnection[Connection] | None:
        """Lends the free connection that was used last, so that unneeded ones stay idle.

        Returns None if no connection is free.
        """
        if not self.free:
            return None
        pooled = self.free.pop()
        self.lent.add(pooled)
        return pooled

    def make_available(self, pooled: PooledConnection[Connection], now: float) -> None:
        """Lends a new or returned connection to the first waiter; without waiters it is free."""
        pooled.returned_at = pooled.borrowed_at = now
        while self.waiters:
            waiter = self.waiters.popleft()
            if not waiter.done():  # a cancelled waiter stays queued until its task runs
                self.lent.add(pooled)
                waiter.set_result(pooled)
                return
        self.lent.discard(pooled)
        self.free.append(pooled)

    def remove(self, pooled: PooledConnection[Connection]) -> None:
        """Forgets a connection that is being closed."""
        self.lent.discard(pooled)
        if pooled in self.free:
            self.free.remove(pooled)

    def add_waiter(self, waiter: Waiter) -> None:
        """Queues a waiter. Raises TooManyWaiters if the queue is full."""
        if len(self.waiters) >= self.limits.maximum_waiters:
            raise TooManyWaiters(f"{len(self.waiters)} callers already wait for a connection")
        self.waiters.append(waiter)

    def remove_waiter(self, waiter: Waiter) -> None:
        """Removes a waiter from the queue if it is still there."""
        if waiter in self.waiters:
            self.waiters.remove(waiter)

    def fail_waiters(self, error: Exception) -> None:
        """Gives every waiter its own copy of the error, since raising adds a traceback to it."""
        while self.waiters:
            waiter = self.waiters.popleft()
            if not waiter.done():
                waiter.set_exception(type(error)(*error.args))

    def missing_connections(self) -> int:
        """How many connections to start opening now.

        Connections up to the minimum are opened all at once. Beyond the minimum they are opened one
        at a time, while callers wait. Returned connections have usually served a burst before the
        second new connection is open.
        """
        limits = self.limits
        total = self.size + self.opening
        if total < limits.minimum:
            return limits.minimum - total
        return int(bool(self.waiters) and not self.opening and total < limits.maximum)

    def note_failure(self, now: float) -> None:
        """Makes every connection that is free now need a check, because another died in use."""
        self._last_failure = now

    def needs_check(self, pooled: PooledConnection[Connection], now: float) -> bool:
        return pooled.returned_at < max(self._last_failure, now - self.limits.check_idle_seconds)

    def expired_connections(self, now: float) -> list[PooledConnection[Connection]]:
        """The free connections that reached their maximum age."""
        return [pooled for pooled in self.free if pooled.is_expired(now)]

    def surplus_connections(self, now: float) -> list[PooledConnection[Connection]]:
        """The free connections beyond the minimum that were idle for too long."""
        surplus = max(0, self.size - self.limits.minimum)
        idle_since = now - self.limits.maximum_idle_seconds
        # `free` is sorted by idle time, longest first.
        return [pooled for pooled in self.free if pooled.returned_at <= idle_since][:surplus]

    def new_leaks(self, now: float) -> Iterator[PooledConnection[Connection]]:
        """Each connection that is lent for too long, once per loan."""
        lent_since = now - self.limits.leak_seconds
        for pooled in self.lent:
            if pooled.borrowed_at <= lent_since and not pooled.is_leak_reported:
                pooled.is_leak_reported = True
                yield pooled
