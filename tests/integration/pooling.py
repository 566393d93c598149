"""Shared by the tests of the pool: how to open one, and statements to watch its connections."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from services.chassis.postgres import connection_arguments
from services.connection_pooling.ledger import PoolLimits
from services.connection_pooling.pool import ConnectionPool
from services.settings import Settings
from tests.counting_observer import CountingObserver

Execute = Callable[..., list[tuple[Any, ...]]]

#: Server processes of one application, and those of them that run a statement.
COUNT = "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s"
RUNNING = f"{COUNT} AND state = 'active'"
KILL = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s"


@asynccontextmanager
async def open_pool(
    settings: Settings,
    observer: CountingObserver,
    name: str = "pool-test",
    clock: Callable[[], float] | None = None,
    port: int | None = None,
    housekeeping_seconds: float = 0.01,
    **limits: Any,
) -> AsyncIterator[ConnectionPool]:
    """A pool of two connections by default.

    `name` is the application name that PostgreSQL shows.
    """
    arguments = connection_arguments(settings, name)
    arguments["port"] = port or arguments["port"]
    pool_limits = PoolLimits(**{"minimum": 2, "maximum": 2, "check_idle_seconds": 100.0} | limits)
    clocks = {} if clock is None else {"clock": clock}
    pool = await ConnectionPool.open(
        pool_limits, observer, housekeeping_seconds=housekeeping_seconds, **clocks, **arguments
    )
    try:
        yield pool
    finally:
        await pool.close(1)


async def run(pool: ConnectionPool, statement: str = "SELECT 42") -> Any:
    """The statement's first value, over a connection that the pool lends."""
    async with pool.connection() as connection:
        return await first_value(connection, statement)


async def first_value(connection: Any, statement: str) -> Any:
    async with connection.cursor() as cursor:
        await cursor.execute(statement)
        return (await cursor.fetchone())[0]
