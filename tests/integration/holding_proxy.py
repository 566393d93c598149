"""A TCP proxy to PostgreSQL that can hold up or close connections, like a server that is down."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from services.settings import Settings


class HoldingProxy:
    """Forwards all traffic unless a method holds or closes it. Closes connections after `accepted`.

    `port` is where it listens. `held` counts the connections that it held.
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
        """Accepts new connections, but does not connect them to PostgreSQL."""
        self._accepting.clear()

    def freeze(self) -> None:
        """Holds new connections and passes nothing over existing ones."""
        self.hold_new()
        self._passing.clear()

    def close_new(self) -> None:
        """Closes each new connection at once."""
        self._is_closing_new = True

    def close_all(self) -> None:
        """Closes each existing connection, and each new one at once."""
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
