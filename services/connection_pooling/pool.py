"""A pool of PostgreSQL connections, made by aiopg: the shell around `ledger.py`, which decides.

    async with pool.connection() as connection: ...     borrow, and give back
    await pool.run(work)                                 the same, and again if it was dead

What goes wrong:

    TooManyWaiting                 so many wait already that there is no point in waiting, too
    WaitedTooLong (TimeoutError)   none came free within the deadline
    PoolClosed                     it is shutting down
    psycopg2.OperationalError      the server is out of reach, and no connection to it is left
"""

import asyncio
import logging
import random
import sys
from collections.abc import Awaitable, Callable, Coroutine
from time import perf_counter
from types import FrameType, TracebackType
from typing import Any, Literal, Protocol, TypeVar

import aiopg
import psycopg2
from psycopg2.extensions import TRANSACTION_STATUS_IDLE

from services.connection_pooling.ledger import Entry, Ledger, Limits, TooManyWaiting

logger = logging.getLogger(__name__)

Clock = Callable[[], float]
Connect = Callable[[], Awaitable[Any]]
Result = TypeVar("Result")
ClosedFor = Literal["dead", "aged", "idle", "cancelled", "failed", "drained"]
RefusedFor = Literal["timeout", "full"]

#: Up to so much of its age is taken off each connection, so that they do not all end at once.
JITTER = 0.2
#: A connection that takes longer to answer "SELECT 1" is as good as dead.
CHECK_SECONDS = 1.0

_LOST = (psycopg2.OperationalError, psycopg2.InterfaceError)


class WaitedTooLong(TimeoutError):
    """No connection came free within the deadline."""


class PoolClosed(Exception):
    """The pool is being closed, and lends nothing any more."""


class Observer(Protocol):
    """Told of each event as it happens; must return at once."""

    def connection_opened(self) -> None: ...

    def connection_obtained(self, seconds: float) -> None:
        """`seconds` is the time from asking for a connection to having it."""

    def connection_closed(self, reason: ClosedFor) -> None: ...

    def connection_refused(self, reason: RefusedFor) -> None: ...

    def connection_leaked(self) -> None: ...


class Loan:
    """One connection, for as long as the block lasts.

    A class and not a generator under `asynccontextmanager`, which takes longer than the lending.
    """

    __slots__ = ("_entry", "_line", "_place", "_pool", "was_lost")

    _entry: Entry[Any]

    def __init__(self, pool: "ConnectionPool", borrower: FrameType) -> None:
        self._pool = pool
        # Not the frame itself, which would keep everything alive that the borrower knows.
        self._place = borrower.f_code
        self._line = borrower.f_lineno
        self.was_lost = False  # whether it died in the block

    async def __aenter__(self) -> Any:
        self._entry = entry = await self._pool.obtain()
        entry.place = self._place
        entry.line = self._line
        return entry.connection

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is not None:
            self.was_lost = bool(self._entry.connection.closed)
        self._pool.take_back(self._entry, error)


class ConnectionPool:
    """Lends open connections, in the order in which they were asked for.

    Opening goes on in tasks of its own: who waits takes whatever comes first, a new connection or
    one that is given back. Nothing here holds a lock; between two awaits the ledger is in order.
    """

    def __init__(
        self,
        connect: Connect,
        limits: Limits,
        observer: Observer,
        clock: Clock = perf_counter,
        housekeeping: float = 1.0,
    ) -> None:
        self._connect = connect
        self._ledger: Ledger[Any] = Ledger(limits)
        self._limits = limits
        self._observer = observer
        self._clock = clock
        self._housekeeping = housekeeping
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = False
        self._all_returned = asyncio.Event()

    @classmethod
    async def open(
        cls,
        limits: Limits,
        observer: Observer,
        clock: Clock = perf_counter,
        housekeeping: float = 1.0,
        **arguments: Any,
    ) -> "ConnectionPool":
        """Open the minimum; `arguments` go to `aiopg.connect`.

        Housekeeping (age, idleness, leaks, a lost minimum) is done once in so many seconds.
        Raises psycopg2.OperationalError when the server is out of reach.
        """

        async def connect() -> Any:
            try:
                return await aiopg.connect(**arguments)
            except TimeoutError:
                raise psycopg2.OperationalError("connecting took too long") from None

        pool = cls(connect, limits, observer, clock, housekeeping)
        await pool._fill()
        return pool

    @property
    def idle(self) -> int:
        return len(self._ledger.free)

    @property
    def used(self) -> int:
        return len(self._ledger.lent)

    @property
    def waiting(self) -> int:
        return len(self._ledger.waiters)

    def connection(self) -> Loan:
        """`async with pool.connection() as connection`. What it raises: see the module."""
        return Loan(self, sys._getframe(1))  # noqa: SLF001 - the borrower, for the report of a leak

    async def run(self, work: Callable[[Any], Awaitable[Result]]) -> Result:
        """Do it with a connection; if that dies meanwhile, do it once more with another.

        So it has to be work that may be done twice. A connection that died while nobody used it
        often tells only when it is used. The second time may wait as long again as the first.
        """
        loan = Loan(self, sys._getframe(1))  # noqa: SLF001 - the borrower, as in connection()
        try:
            async with loan as connection:
                return await work(connection)
        except _LOST:
            if not loan.was_lost:
                raise
        async with Loan(self, sys._getframe(1)) as connection:  # noqa: SLF001 - as above
            return await work(connection)

    async def check(self) -> None:
        """Raises when no statement can be run."""
        await self.run(_ask)

    async def close(self, timeout: float) -> None:
        """Lend nothing more; wait so many seconds for what is lent, then close that as well."""
        self._closing = True
        for task in self._tasks:
            task.cancel()
        self._fail_waiters(PoolClosed("the pool is closing"))
        for entry in list(self._ledger.free):
            self._retire(entry, "drained")
        if self._ledger.lent:
            await self._drain(timeout)
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # ── Lending ─────────────────────────────────────────────────────────────────────────────────

    async def obtain(self) -> Entry[Any]:
        """For `Loan`. With one free and fit: no task, no timer, no step of the event loop."""
        asked = now = self._clock()
        entry = self._ledger.borrow()
        if entry is None or entry.connection.closed or self._ledger.to_check(entry, now):
            entry = await self._fit(entry, asked + self._limits.timeout)
            now = self._clock()
        entry.borrowed = now
        entry.reported = False
        self._observer.connection_obtained(now - asked)
        return entry

    def take_back(self, entry: Entry[Any], error: BaseException | None) -> None:
        """For `Loan`; `error` is what ended the block, if anything did."""
        if entry not in self._ledger.lent:
            return  # closed over the borrower's head at shutdown
        now = self._clock()
        reason = self._unfit(entry, error, now)
        if reason is None:
            self._ledger.give(entry, now)
            return
        if reason == "failed" and entry.connection.closed:
            self._ledger.suspect(now)
        self._retire(entry, reason)
        self._grow()

    def _unfit(
        self, entry: Entry[Any], error: BaseException | None, now: float
    ) -> ClosedFor | None:
        connection = entry.connection
        if connection.closed:
            # aiopg closes what it was cancelled on; the server notices and stops the statement.
            given_up = isinstance(error, asyncio.CancelledError | TimeoutError)
            return "cancelled" if given_up else "failed"
        if connection.raw.get_transaction_status() != TRANSACTION_STATUS_IDLE:
            logger.warning("closed: given back within a transaction, %s", entry.borrower)
            return "failed"
        if self._closing:
            return "drained"
        return "aged" if now >= entry.expires else None

    async def _fit(self, entry: Entry[Any] | None, deadline: float) -> Entry[Any]:
        """This one if it lives, else the next that does."""
        while True:
            if entry is None:
                entry = await self._turn(deadline)
            if await self._lives(entry, deadline):
                return entry
            self._retire(entry, "dead")
            self._grow()
            entry = self._ledger.borrow()

    async def _turn(self, deadline: float) -> Entry[Any]:
        """Wait for one to be given back, or opened."""
        if self._closing:  # none is free from then on, so that everybody comes by here
            raise PoolClosed("the pool is closing")
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[Entry[Any]] = loop.create_future()
        try:
            self._ledger.join(waiter)
        except TooManyWaiting:
            self._observer.connection_refused("full")
            raise
        self._grow()
        timer = loop.call_later(deadline - self._clock(), self._refuse, waiter)
        try:
            return await waiter
        except asyncio.CancelledError:
            self._withdraw(waiter)
            raise
        finally:
            timer.cancel()

    def _refuse(self, waiter: "asyncio.Future[Entry[Any]]") -> None:
        if waiter.done():
            return
        self._ledger.leave(waiter)
        self._observer.connection_refused("timeout")
        waiter.set_exception(WaitedTooLong("no connection came free in time"))

    def _withdraw(self, waiter: "asyncio.Future[Entry[Any]]") -> None:
        self._ledger.leave(waiter)
        if waiter.cancelled() or waiter.exception() is not None:
            return
        # Cancelled in the moment between being handed a connection and waking up with it.
        self.take_back(waiter.result(), None)

    async def _lives(self, entry: Entry[Any], deadline: float) -> bool:
        now = self._clock()
        if entry.connection.closed:
            return False
        if not self._ledger.to_check(entry, now):
            return True
        try:
            async with asyncio.timeout(min(CHECK_SECONDS, deadline - now)):
                await _ask(entry.connection)
        except (*_LOST, TimeoutError):
            return False
        except BaseException as error:
            self.take_back(entry, error)
            raise
        return True

    # ── Opening and closing ─────────────────────────────────────────────────────────────────────

    async def _fill(self) -> None:
        """Open the minimum, or nothing."""
        self._ledger.opening = self._limits.minimum
        opened = (self._open_one() for _ in range(self._limits.minimum))
        try:
            outcomes = await asyncio.gather(*opened, return_exceptions=True)
        except asyncio.CancelledError:
            await self.close(0)
            raise
        errors = [each for each in outcomes if isinstance(each, BaseException)]
        if errors:
            await self.close(0)
            raise errors[0]
        self._start(self._keep_house())

    def _grow(self) -> None:
        if self._closing:
            return
        for _ in range(self._ledger.to_open()):
            self._ledger.opening += 1
            self._start(self._open_in_background())

    async def _open_one(self) -> None:
        try:
            connection = await self._connect()
        finally:
            self._ledger.opening -= 1
        self._observer.connection_opened()
        now = self._clock()
        # Not secret, only spread: see JITTER.
        age = self._limits.maximum_age * (1 - JITTER * random.random())  # noqa: S311
        entry = Entry(connection, now, now + age)
        if self._closing:
            self._retire(entry, "drained")
        else:
            self._ledger.give(entry, now)

    async def _open_in_background(self) -> None:
        try:
            await self._open_one()
        except psycopg2.Error as error:
            logger.warning("cannot open a connection: %s", str(error).strip())
            # Trying again is for the next who asks, or for housekeeping: not at once, not for ever.
            if not self._ledger.size and not self._ledger.opening:
                # Nothing is left to wait for, and a queue before a dead server only grows.
                self._fail_waiters(psycopg2.OperationalError(str(error)))
        else:
            self._grow()

    def _retire(self, entry: Entry[Any], reason: ClosedFor) -> None:
        self._ledger.strike(entry)
        # 1 is closed, 2 is broken. aiopg must not close twice: by then its file descriptor may
        # belong to another connection, which would never be woken again.
        if entry.connection.closed != 1:
            entry.connection.close()
        self._observer.connection_closed(reason)
        if not self._ledger.lent:
            self._all_returned.set()

    def _fail_waiters(self, error: Exception) -> None:
        waiters = self._ledger.waiters
        while waiters:
            waiter = waiters.popleft()
            if not waiter.done():
                assert isinstance(waiter, asyncio.Future)  # noqa: S101 - see _turn
                waiter.set_exception(type(error)(*error.args))

    async def _drain(self, timeout: float) -> None:
        self._all_returned.clear()
        try:
            async with asyncio.timeout(timeout):
                await self._all_returned.wait()
        except TimeoutError:
            for entry in list(self._ledger.lent):
                logger.warning("closed at shutdown while in use, borrowed at %s", entry.borrower)
                self._retire(entry, "drained")

    # ── Housekeeping ────────────────────────────────────────────────────────────────────────────

    async def _keep_house(self) -> None:
        while True:
            await asyncio.sleep(self._housekeeping)
            self._tidy(self._clock())

    def _tidy(self, now: float) -> None:
        for entry in [entry for entry in self._ledger.free if entry.connection.closed]:
            self._retire(entry, "dead")
        for entry in self._ledger.too_old(now):
            self._retire(entry, "aged")
        for entry in self._ledger.to_spare(now):
            self._retire(entry, "idle")
        for entry in self._ledger.leaks(now):
            logger.warning(
                "a connection is held for %.1f s now, borrowed at %s",
                now - entry.borrowed,
                entry.borrower,
            )
            self._observer.connection_leaked()
        self._grow()

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work, name="connection pool")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _ask(connection: Any) -> None:
    async with connection.cursor() as cursor:
        await cursor.execute("SELECT 1")
