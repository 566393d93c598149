"""A TCP proxy between a client and a server that injects faults."""

import asyncio
from contextlib import suppress
from enum import StrEnum

from services.local.ports import HOST


class Fault(StrEnum):
    """How the proxy treats connections and data."""

    NONE = "none"
    CUT = "cut"  # all connections are closed, new ones right after they were accepted
    STALLED = "stalled"  # data is delivered late, perhaps after the sender's timeout
    SILENT = "silent"  # requests reach the server, but responses are dropped


class FaultyProxy:
    """Forwards connections to a port of this machine. Listens on `port` once started."""

    def __init__(self, target_port: int) -> None:
        self._target_port = target_port
        self._fault = Fault.NONE
        self._fault_changed = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self.port = 0

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._accept, HOST, 0)
        self.port = self._server.sockets[0].getsockname()[1]

    def inject(self, fault: Fault) -> None:
        self._fault = fault
        self._fault_changed.set()
        self._fault_changed = asyncio.Event()
        if fault is Fault.CUT:
            for writer in self._writers:
                writer.transport.abort()

    async def refuse(self) -> None:
        """Close all connections, and refuse new ones for good, as a stopped server does."""
        self._server.close()
        self.inject(Fault.CUT)

    async def close(self) -> None:
        self._server.close()
        self.inject(Fault.CUT)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._fault is Fault.CUT:
            writer.transport.abort()
            return
        server_reader, server_writer = await asyncio.open_connection(HOST, self._target_port)
        self._writers |= {writer, server_writer}
        self._forward(reader, server_writer, is_response=False)
        self._forward(server_reader, writer, is_response=True)

    def _forward(
        self, source: asyncio.StreamReader, target: asyncio.StreamWriter, is_response: bool
    ) -> None:
        task = asyncio.create_task(self._copy(source, target, is_response))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _copy(
        self, source: asyncio.StreamReader, target: asyncio.StreamWriter, is_response: bool
    ) -> None:
        with suppress(OSError):
            while data := await source.read(1 << 16):
                while self._fault is Fault.STALLED:
                    await self._fault_changed.wait()
                if not (is_response and self._fault is Fault.SILENT):
                    target.write(data)
        self._writers.discard(target)
        target.transport.abort()
