"""A pool of PostgreSQL connections: aiopg's, with the guards that it lacks.

It is filled before it serves, checks a connection that has been idle for a while before it lends
it, and never lends one that is known to be dead. What happens is told to `Observer`.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from time import perf_counter
from typing import Any, Protocol

import aiopg
import psycopg2

Clock = Callable[[], float]


class Observer(Protocol):
    """Told of each event as it happens; must return at once."""

    def connection_opened(self) -> None: ...

    def connection_obtained(self, seconds: float) -> None:
        """`seconds` is the time from asking for a connection to having it."""


class ConnectionPool:
    """Lends open connections; `size` is both their number at the start and the most there will be.

    Growing under load is left out on purpose: aiopg opens connections while it holds its own lock,
    so that everybody waits for the new one, also those for whom a connection is free.
    """

    def __init__(
        self, pool: aiopg.Pool, observer: Observer, check_after_idle: float, clock: Clock
    ) -> None:
        self._pool = pool
        self._observer = observer
        self._check_after_idle = check_after_idle
        self._clock = clock

    @classmethod
    async def open(
        cls,
        size: int,
        observer: Observer,
        check_after_idle: float = 5.0,
        clock: Clock = perf_counter,
        **connection_arguments: Any,
    ) -> "ConnectionPool":
        """Open `size` connections. Raises psycopg2.OperationalError when that cannot be done.

        A connection that was idle for `check_after_idle` seconds is checked before it is lent.
        """

        async def opened(connection: Any) -> None:
            observer.connection_opened()

        pool = await aiopg.create_pool(
            minsize=size, maxsize=size, on_connect=opened, **connection_arguments
        )
        return cls(pool, observer, check_after_idle, clock)

    @property
    def idle(self) -> int:
        return int(self._pool.freesize)

    @property
    def used(self) -> int:
        return int(self._pool.size - self._pool.freesize)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Any]:
        """Raises TimeoutError when none comes free in time (the `timeout` given at opening)."""
        asked = self._clock()
        connection = await self._live_connection()
        self._observer.connection_obtained(self._clock() - asked)
        try:
            yield connection
        finally:
            await self._pool.release(connection)

    async def check(self) -> None:
        """Raises when no statement can be run."""
        async with self.connection() as connection:
            await _ask(connection)

    async def close(self) -> None:
        """Close every connection; whoever still has one finds it closed."""
        self._pool.terminate()
        await self._pool.wait_closed()

    async def _live_connection(self) -> Any:
        # At most every pooled connection is dead, and the one after them is new.
        for _ in range(self._pool.size):
            connection = await self._borrow()
            if connection is not None and await self._checked(connection):
                return connection
        return await self._pool.acquire()

    async def _borrow(self) -> Any | None:
        try:
            return await self._pool.acquire()
        except AssertionError:
            # aiopg asserts, rather than checks, that what it lends is open; it is gone from the
            # pool by now, and the next one may be good.
            return None

    async def _checked(self, connection: Any) -> bool:
        """Whether it may be lent; if not, or if the caller gives up meanwhile, it is given back."""
        alive = False
        try:
            alive = await self._is_alive(connection)
        finally:
            if not alive:
                await self._pool.release(connection)
        return alive

    async def _is_alive(self, connection: Any) -> bool:
        # aiopg notes the last use in the event loop's time.
        idle = asyncio.get_running_loop().time() - connection.last_usage
        if idle < self._check_after_idle:
            return True
        try:
            await _ask(connection)
        except (TimeoutError, psycopg2.OperationalError, psycopg2.InterfaceError):
            connection.close()
            return False
        return True


async def _ask(connection: Any) -> None:
    async with connection.cursor() as cursor:
        await cursor.execute("SELECT 1")
