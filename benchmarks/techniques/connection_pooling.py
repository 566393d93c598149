"""Measures what lending a connection costs and what it saves."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import aiopg

from benchmarks.techniques.claim import Claim, Timed, ratio_of
from services.chassis.postgres import connection_arguments
from services.connection_pooling.ledger import PoolLimits
from services.connection_pooling.pool import ConnectionPool
from services.settings import Settings

CONNECTIONS, TASKS = 8, 64

Borrow = Callable[[], AbstractAsyncContextManager[Any]]


class SilentObserver:
    """A `PoolObserver` whose methods do nothing."""

    def connection_opened(self) -> None: ...

    def connection_obtained(self, seconds: float) -> None: ...

    def connection_closed(self, reason: str) -> None: ...

    def caller_refused(self, reason: str) -> None: ...

    def connection_leaked(self) -> None: ...


async def claims(settings: Settings) -> AsyncIterator[Claim]:
    arguments = connection_arguments(settings, "benchmark")
    async with _pools(arguments) as (own, aiopgs):
        yield Claim(
            "a read over a new connection takes longer than a pooled read",
            await ratio_of(_reads(lambda: aiopg.connect(**arguments), 20), _reads(own, 20), 15),
            "at least",
            10,
            "times as long",
            "20 reads in a row, 15 pairs",
        )
        yield Claim(
            "borrowing and returning a connection takes less time than with aiopg's pool",
            await ratio_of(_loans(own, 5000), _loans(aiopgs, 5000), 15),
            "at most",
            0.5,
            "times as long",
            f"5,000 loans in a row, {CONNECTIONS} free connections, 15 pairs",
        )
        yield Claim(
            "reading with more tasks than connections takes as long as with aiopg's pool",
            await ratio_of(_concurrent_reads(own), _concurrent_reads(aiopgs), 15),
            "at most",
            1.2,
            "times as long",
            f"{TASKS} tasks with 20 reads each on {CONNECTIONS} connections, 15 pairs",
        )


@asynccontextmanager
async def _pools(arguments: dict[str, Any]) -> AsyncIterator[tuple[Borrow, Borrow]]:
    limits = PoolLimits(minimum=CONNECTIONS, maximum=CONNECTIONS)
    own = await ConnectionPool.open(limits, SilentObserver(), **arguments)
    try:
        async with aiopg.create_pool(
            minsize=CONNECTIONS, maxsize=CONNECTIONS, **arguments
        ) as theirs:
            yield own.connection, theirs.acquire
    finally:
        await own.close(1)


def _loans(borrow: Borrow, count: int) -> Timed:
    async def loans() -> None:
        for _ in range(count):
            async with borrow():
                pass

    return loans


def _reads(borrow: Borrow, count: int) -> Timed:
    async def reads() -> None:
        for _ in range(count):
            async with borrow() as connection, connection.cursor() as cursor:
                await cursor.execute("SELECT 42")
                await cursor.fetchone()

    return reads


def _concurrent_reads(borrow: Borrow) -> Callable[[], Awaitable[object]]:
    async def reads() -> None:
        await asyncio.gather(*(_reads(borrow, 20)() for _ in range(TASKS)))

    return reads
