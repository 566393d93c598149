"""Opens and closes the connections of a pool and records them in its ledger."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from typing import Any

import psycopg2

from services.connection_pooling.ledger import Ledger, PooledConnection
from services.connection_pooling.pool_observer import CloseReason, PoolObserver

logger = logging.getLogger(__name__)

Clock = Callable[[], float]
Connect = Callable[[], Awaitable[Any]]

#: Largest share of its maximum age by which a connection expires early. The share is random, so
#: that connections opened together do not expire together.
JITTER = 0.2
#: `connection.closed` of psycopg2: 0 is open, 1 is closed by the client, 2 is broken.
_CLOSED_BY_CLIENT = 1


class PoolClosed(Exception):
    """The pool is closing and lends no more connections."""


class ConnectionSupply:
    """Keeps as many connections open as the ledger asks for.

    Background tasks open connections, so no caller waits for one specific connection.
    """

    def __init__(
        self, connect: Connect, ledger: Ledger[Any], observer: PoolObserver, clock: Clock
    ) -> None:
        self._connect = connect
        self._ledger = ledger
        self._observer = observer
        self._clock = clock
        self._opening: set[asyncio.Task[None]] = set()
        self._all_returned = asyncio.Event()
        self.is_closing = False

    async def open_minimum(self) -> None:
        """Opens the minimum number of connections, or none if one of them fails.

        Raises the first error of `connect`.
        """
        minimum = self._ledger.limits.minimum
        self._ledger.opening = minimum
        opening = (self._open_connection() for _ in range(minimum))
        try:
            outcomes = await asyncio.gather(*opening, return_exceptions=True)
        except asyncio.CancelledError:
            self._stop()
            raise
        errors = [each for each in outcomes if isinstance(each, BaseException)]
        if errors:
            self._stop()
            raise errors[0]

    def open_missing(self) -> None:
        """Starts opening the connections that the ledger lacks, and returns at once."""
        if self.is_closing:
            return
        for _ in range(self._ledger.missing_connections()):
            self._ledger.opening += 1
            task = asyncio.create_task(self._open_in_background(), name="open a connection")
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)

    def close_connection(self, pooled: PooledConnection[Any], reason: CloseReason) -> None:
        self._ledger.remove(pooled)
        # Closing twice is dangerous: aiopg would stop watching a file descriptor that may already
        # belong to another connection. That connection would then never be woken.
        if pooled.connection.closed != _CLOSED_BY_CLIENT:
            pooled.connection.close()
        self._observer.connection_closed(reason)
        if not self._ledger.lent:
            self._all_returned.set()

    async def close(self, timeout: float) -> None:
        """Closes free connections now, and lent ones when returned or after `timeout` seconds.

        Waiters get PoolClosed.
        """
        self._stop()
        if self._ledger.lent:
            await self._drain(timeout)
        await asyncio.gather(*self._opening, return_exceptions=True)

    def _stop(self) -> None:
        """Stops opening and lending, and closes free connections."""
        self.is_closing = True
        for task in self._opening:
            task.cancel()
        self._ledger.fail_waiters(PoolClosed("the pool is closing"))
        for pooled in list(self._ledger.free):
            self.close_connection(pooled, "drained")

    async def _drain(self, timeout: float) -> None:
        self._all_returned.clear()
        try:
            async with asyncio.timeout(timeout):
                await self._all_returned.wait()
        except TimeoutError:
            for pooled in list(self._ledger.lent):
                logger.warning(
                    "connection closed at shutdown while in use; borrowed at %s", pooled.borrower
                )
                self.close_connection(pooled, "drained")

    async def _open_connection(self) -> None:
        try:
            connection = await self._connect()
        finally:
            self._ledger.opening -= 1
        self._observer.connection_opened()
        now = self._clock()
        age = self._ledger.limits.maximum_age_seconds
        age *= 1 - JITTER * random.random()  # noqa: S311 - needs no cryptographic randomness
        pooled = PooledConnection(connection, now, now + age)
        if self.is_closing:
            self.close_connection(pooled, "drained")
        else:
            self._ledger.make_available(pooled, now)

    async def _open_in_background(self) -> None:
        try:
            await self._open_connection()
        except psycopg2.Error as error:
            # The next caller or housekeeping tries again. Retries here might never end.
            logger.warning("cannot open a connection: %s", str(error).strip())
            if not self._ledger.size and not self._ledger.opening:
                # Waiters would only time out: no connection can be returned to them.
                self._ledger.fail_waiters(psycopg2.OperationalError(str(error)))
        else:
            self.open_missing()
