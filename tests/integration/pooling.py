"""Shared by the tests of the pool: opening one, and a proxy that holds up traffic."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
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
    **limits: Any,
) -> AsyncIterator[ConnectionPool]:
    """A pool of two connections by default. Its housekeeping runs every 10 ms.

    `name` is the application name that PostgreSQL shows.
    """
    arguments = connection_arguments(settings, name)
    arguments["port"] = port or arguments["port"]
    pool_limits = PoolLimits(**{"minimum": 2, "maximum": 2, "check_idle_seconds": 100.0} | limits)
    clocks = {} if clock is None else {"clock": clock}
    pool = await ConnectionPool.open(
        pool_limits, observer, housekeeping_seconds=0.01, **clocks, **arguments
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


class HoldingProxy:
    """A TCP proxy to PostgreSQL that can hold or close connections.

    It closes each connection after the first `accepted` ones.
    """

    def __init__(self, settings: Settings, accepted: float = float("inf")) -> None:
        self._target = (settings.database_host, settings.database_port)
        self._accepting, self._passing = asyncio.Event(), asyncio.Event()
        self._is_closing_new = False
        self._remaining = accepted
        self._writers: list[asyncio.StreamWriter] = []
        self._tasks: list[asyncio.Task[Any] | None] = []
        self.port = 0
        self.held = 0
        self.resume()

    def hold_new(self) -> None:
        """Accept new connections, but do not connect them to PostgreSQL."""
        self._accepting.clear()

    def freeze(self) -> None:
        """Hold new connections, and pass nothing over existing ones."""
        self.hold_new()
        self._passing.clear()

    def close_new(self) -> None:
        """Close each new connection at once."""
        self._is_closing_new = True

    def close_all(self) -> None:
        """Close each existing connection, and each new one at once."""
        self.close_new()
        for writer in self._writers:
            writer.transport.abort()

    def resume(self) -> None:
        self._is_closing_new = False
        self._accepting.set()
        self._passing.set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator["HoldingProxy"]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            self.resume()
            server.close()
            for writer in self._writers:
                writer.close()
            await asyncio.gather(*filter(None, self._tasks), return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._tasks.append(asyncio.current_task())
        self._writers.append(writer)
        self._remaining -= 1
        if self._is_closing_new or self._remaining < 0:
            writer.close()
            return
        self.held += not self._accepting.is_set()
        await self._accepting.wait()
        server_reader, server_writer = await asyncio.open_connection(*self._target)
        self._writers.append(server_writer)
        await asyncio.gather(self._pump(reader, server_writer), self._pump(server_reader, writer))

    async def _pump(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await source.read(65_536):
                await self._passing.wait()
                target.write(data)
        target.close()
