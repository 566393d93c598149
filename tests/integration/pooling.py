"""What the pool's tests share: an observer that counts, and a proxy that delays."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

from services.chassis.postgres import connection_arguments
from services.connection_pooling.ledger import Limits
from services.connection_pooling.pool import ClosedFor, ConnectionPool, RefusedFor
from services.settings import Settings

Execute = Callable[..., list[tuple[Any, ...]]]

#: Of one application: how many server processes there are, and how many of them run a statement.
COUNT = "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s"
RUNNING = f"{COUNT} AND state = 'active'"
KILL = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s"


class Events:
    """Counts what the pool tells."""

    def __init__(self) -> None:
        self.opened = 0
        self.waits: list[float] = []
        self.closed: Counter[ClosedFor] = Counter()
        self.refused: Counter[RefusedFor] = Counter()
        self.leaked = 0

    def connection_opened(self) -> None:
        self.opened += 1

    def connection_obtained(self, seconds: float) -> None:
        self.waits.append(seconds)

    def connection_closed(self, reason: ClosedFor) -> None:
        self.closed[reason] += 1

    def connection_refused(self, reason: RefusedFor) -> None:
        self.refused[reason] += 1

    def connection_leaked(self) -> None:
        self.leaked += 1


@asynccontextmanager
async def opened(
    settings: Settings,
    events: Events,
    name: str = "pool-test",
    clock: Callable[[], float] | None = None,
    port: int | None = None,
    **limits: Any,
) -> AsyncIterator[ConnectionPool]:
    """A pool of two connections unless the limits say otherwise; it keeps house all the time."""
    arguments = connection_arguments(settings, name)
    arguments["port"] = port or arguments["port"]
    given = Limits(**{"minimum": 2, "maximum": 2, "check_idle": 100.0} | limits)
    clocks = {} if clock is None else {"clock": clock}
    pool = await ConnectionPool.open(given, events, housekeeping=0.01, **clocks, **arguments)
    try:
        yield pool
    finally:
        await pool.close(1)


async def answer(pool: ConnectionPool, statement: str = "SELECT 42") -> Any:
    async with pool.connection() as connection:
        return await value(connection, statement)


async def value(connection: Any, statement: str) -> Any:
    async with connection.cursor() as cursor:
        await cursor.execute(statement)
        return (await cursor.fetchone())[0]


class Proxy:
    """A TCP proxy to PostgreSQL that holds things up."""

    def __init__(self, settings: Settings) -> None:
        self._target = (settings.database_host, settings.database_port)
        self._door, self._line = asyncio.Event(), asyncio.Event()
        self._refusing = False
        self._ends: list[asyncio.StreamWriter] = []
        self._serving: list[asyncio.Task[Any] | None] = []
        self.port = 0
        self.kept_waiting = 0
        self.go_on()

    def stop(self) -> None:
        """From now on a new connection is accepted, and led no further."""
        self._door.clear()

    def freeze(self) -> None:
        """Nor does anything pass over a connection that there is."""
        self.stop()
        self._line.clear()

    def refuse(self) -> None:
        """From now on a new connection is closed at once."""
        self._refusing = True

    def go_on(self) -> None:
        self._refusing = False
        self._door.set()
        self._line.set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Proxy"]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            self.go_on()
            server.close()
            for end in self._ends:
                end.close()
            await asyncio.gather(*filter(None, self._serving), return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._serving.append(asyncio.current_task())
        self._ends.append(writer)
        if self._refusing:
            writer.close()
            return
        self.kept_waiting += not self._door.is_set()
        await self._door.wait()
        there, back = await asyncio.open_connection(*self._target)
        self._ends.append(back)
        await asyncio.gather(self._pump(reader, back), self._pump(there, writer))

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await source.read(65_536):
                await self._line.wait()
                sink.write(data)
        sink.close()
