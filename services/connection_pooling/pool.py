"""A pool of aiopg connections to PostgreSQL, lent in the order of arrival.

    async with pool.connection() as connection: ...     borrow a connection for a block
    await pool.run(work)                                 repeat `work` once if its connection died

Errors:

    TooManyWaiters                 the maximum number of callers already waits
    WaitedTooLong (TimeoutError)   no connection became free within the timeout
    PoolClosed                     the pool is closing
    psycopg2.OperationalError      PostgreSQL is unreachable and the pool has no connection left

`ledger.py` decides, `connection_supply.py` opens and closes, `housekeeping.py` runs regularly.
"""

import asyncio
import logging
import sys
from collections.abc import Awaitable, Callable
from time import perf_counter
from types import FrameType, TracebackType
from typing import Any, TypeVar

import aiopg
import psycopg2
from psycopg2.extensions import TRANSACTION_STATUS_IDLE

from services.connection_pooling.connection_supply import Clock, ConnectionSupply, PoolClosed
from services.connection_pooling.housekeeping import Housekeeper
from services.connection_pooling.ledger import Ledger, PooledConnection, PoolLimits, TooManyWaiters
from services.connection_pooling.pool_observer import CloseReason, PoolObserver

logger = logging.getLogger(__name__)

Result = TypeVar("Result")

#: A connection that takes longer to answer "SELECT 1" counts as dead.
CHECK_SECONDS = 1.0

_LOST = (psycopg2.OperationalError, psycopg2.InterfaceError)


class WaitedTooLong(TimeoutError):
    """No connection became free within the timeout."""


class Loan:
    """Context manager that borrows a connection and gives it back.

    It is a class because a generator under `asynccontextmanager` takes longer than the lending.
    """

    __slots__ = ("_code", "_line", "_pool", "_pooled", "was_lost")

    _pooled: PooledConnection[Any]

    def __init__(self, pool: "ConnectionPool", borrower: FrameType) -> None:
        self._pool = pool
        # A reference to the frame itself would keep all its local variables alive.
        self._code = borrower.f_code
        self._line = borrower.f_lineno
        self.was_lost = False  # whether the connection died in the block

    async def __aenter__(self) -> Any:
        self._pooled = pooled = await self._pool.borrow()
        pooled.borrower_code = self._code
        pooled.borrower_line = self._line
        return pooled.connection

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is not None:
            self.was_lost = bool(self._pooled.connection.closed)
        self._pool.give_back(self._pooled, error)


class ConnectionPool:
    """Lends open connections. `open` makes a pool; `close` ends it.

    A waiter takes the first connection that becomes available, whether new or returned. The pool
    holds no lock. The ledger is consistent at every `await`.
    """

    def __init__(
        self,
        ledger: Ledger[Any],
        supply: ConnectionSupply,
        housekeeping: asyncio.Task[None],
        observer: PoolObserver,
        clock: Clock,
    ) -> None:
        self._ledger = ledger
        self._supply = supply
        self._housekeeping = housekeeping
        self._observer = observer
        self._clock = clock

    @classmethod
    async def open(
        cls,
        limits: PoolLimits,
        observer: PoolObserver,
        clock: Clock = perf_counter,
        housekeeping_seconds: float = 1.0,
        **arguments: Any,
    ) -> "ConnectionPool":
        """Opens the minimum number of connections; `arguments` go to `aiopg.connect`.

        Housekeeping runs every `housekeeping_seconds`.
        Raises psycopg2.OperationalError if PostgreSQL is unreachable.
        """

        async def connect() -> Any:
            try:
                return await aiopg.connect(**arguments)
            except TimeoutError:
                raise psycopg2.OperationalError("connecting to PostgreSQL timed out") from None

        ledger: Ledger[Any] = Ledger(limits)
        supply = ConnectionSupply(connect, ledger, observer, clock)
        await supply.open_minimum()
        housekeeper = Housekeeper(ledger, supply, observer, clock)
        housekeeping = asyncio.create_task(
            housekeeper.run(housekeeping_seconds), name="pool housekeeping"
        )
        return cls(ledger, supply, housekeeping, observer, clock)

    @property
    def idle(self) -> int:
        """The number of free connections."""
        return len(self._ledger.free)

    @property
    def used(self) -> int:
        """The number of lent connections."""
        return len(self._ledger.lent)

    @property
    def waiting(self) -> int:
        """The number of callers that wait for a connection."""
        return len(self._ledger.waiters)

    def connection(self) -> Loan:
        """`async with pool.connection() as connection`. Raises the module's errors."""
        return Loan(self, sys._getframe(1))  # noqa: SLF001 - names the borrower in leak reports

    async def run(self, work: Callable[[Any], Awaitable[Result]]) -> Result:
        """Calls `work` with a connection; repeats it once with another if the connection died.

        `work` must be safe to run twice. A dead idle connection is often detected only on the next
        use. The second attempt may wait for a connection as long as the first.
        """
        loan = Loan(self, sys._getframe(1))  # noqa: SLF001 - names the borrower, as above
        try:
            async with loan as connection:
                return await work(connection)
        except _LOST:
            if not loan.was_lost:
                raise
        async with Loan(self, sys._getframe(1)) as connection:  # noqa: SLF001 - as above
            return await work(connection)

    async def check(self) -> None:
        """Raises an error if PostgreSQL cannot run a statement."""
        await self.run(_ping)

    async def close(self, timeout: float) -> None:
        """Stops lending, and closes lent connections when returned or after `timeout` seconds."""
        self._housekeeping.cancel()
        await self._supply.close(timeout)
        await asyncio.gather(self._housekeeping, return_exceptions=True)

    async def borrow(self) -> PooledConnection[Any]:
        """Lends a usable connection to `Loan`.

        A free connection that needs no check costs no task, no timer and no event loop iteration.
        """
        asked_at = now = self._clock()
        pooled = self._ledger.lend_free()
        if pooled is None or pooled.connection.closed or self._ledger.needs_check(pooled, now):
            deadline = asked_at + self._ledger.limits.timeout_seconds
            pooled = await self._first_usable(pooled, deadline)
            now = self._clock()
        pooled.borrowed_at = now
        pooled.is_leak_reported = False
        self._observer.connection_obtained(now - asked_at)
        return pooled

    def give_back(self, pooled: PooledConnection[Any], error: BaseException | None) -> None:
        """Takes a connection back from `Loan`; `error` is the exception that ended its block."""
        if pooled not in self._ledger.lent:
            return  # the pool closed the connection at shutdown, before its borrower returned it
        now = self._clock()
        reason = self._close_reason(pooled, error, now)
        if reason is None:
            self._ledger.make_available(pooled, now)
            return
        if reason == "failed" and pooled.connection.closed:
            self._ledger.note_failure(now)
        self._supply.close_connection(pooled, reason)
        self._supply.open_missing()

    def _close_reason(
        self, pooled: PooledConnection[Any], error: BaseException | None, now: float
    ) -> CloseReason | None:
        """Why a returned connection must be closed, or None if the pool can lend it again."""
        connection = pooled.connection
        if connection.closed:
            # aiopg closes a connection whose statement is cancelled. The server notices the closed
            # connection and stops the statement.
            was_cancelled = isinstance(error, asyncio.CancelledError | TimeoutError)
            return "cancelled" if was_cancelled else "failed"
        if connection.raw.get_transaction_status() != TRANSACTION_STATUS_IDLE:
            logger.warning(
                "connection closed: returned within a transaction; borrowed at %s", pooled.borrower
            )
            return "failed"
        if self._supply.is_closing:
            return "drained"
        return "aged" if pooled.is_expired(now) else None

    async def _first_usable(
        self, pooled: PooledConnection[Any] | None, deadline: float
    ) -> PooledConnection[Any]:
        """Returns the given connection if it is alive, else the next connection that is alive."""
        while True:
            if pooled is None:
                pooled = await self._wait_for_connection(deadline)
            if await self._is_alive(pooled, deadline):
                return pooled
            self._supply.close_connection(pooled, "dead")
            self._supply.open_missing()
            pooled = self._ledger.lend_free()

    async def _wait_for_connection(self, deadline: float) -> PooledConnection[Any]:
        """Waits until a connection is returned or opened."""
        if self._supply.is_closing:  # a closing pool has no free connection, so all callers wait
            raise PoolClosed("the pool is closing")
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[PooledConnection[Any]] = loop.create_future()
        try:
            self._ledger.add_waiter(waiter)
        except TooManyWaiters:
            self._observer.caller_refused("full")
            raise
        self._supply.open_missing()
        timer = loop.call_later(deadline - self._clock(), self._time_out, waiter)
        try:
            return await waiter
        except asyncio.CancelledError:
            self._cancel(waiter)
            raise
        finally:
            timer.cancel()

    def _time_out(self, waiter: "asyncio.Future[PooledConnection[Any]]") -> None:
        if waiter.done():
            return
        self._ledger.remove_waiter(waiter)
        self._observer.caller_refused("timeout")
        waiter.set_exception(WaitedTooLong("no connection became free within the timeout"))

    def _cancel(self, waiter: "asyncio.Future[PooledConnection[Any]]") -> None:
        self._ledger.remove_waiter(waiter)
        if waiter.cancelled() or waiter.exception() is not None:
            return
        # The waiter already had its connection, but its task was cancelled before it ran again.
        self.give_back(waiter.result(), None)

    async def _is_alive(self, pooled: PooledConnection[Any], deadline: float) -> bool:
        now = self._clock()
        if pooled.connection.closed:
            return False
        if not self._ledger.needs_check(pooled, now):
            return True
        try:
            async with asyncio.timeout(min(CHECK_SECONDS, deadline - now)):
                await _ping(pooled.connection)
        except (*_LOST, TimeoutError):
            return False
        except BaseException as error:
            self.give_back(pooled, error)
            raise
        return True


async def _ping(connection: Any) -> None:
    async with connection.cursor() as cursor:
        await cursor.execute("SELECT 1")
