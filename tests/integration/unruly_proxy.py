"""A TCP proxy between a client and a server, which is told how to misbehave."""

import asyncio
from contextlib import suppress
from enum import StrEnum

from services.local.ports import HOST


class Mood(StrEnum):
    """What becomes of what is sent."""

    PASSING = "passing"
    CUT = "cut"  # connections are closed, new ones too
    STALLING = "stalling"  # it arrives late, perhaps after its sender has given up
    SILENT = "silent"  # it arrives, and the answer does not


class UnrulyProxy:
    """Listens on `port` once started."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._mood = Mood.PASSING
        self._moved = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self.port = 0

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._accept, HOST, 0)
        self.port = self._server.sockets[0].getsockname()[1]

    def become(self, mood: Mood) -> None:
        self._mood = mood
        self._moved.set()
        self._moved = asyncio.Event()
        if mood is Mood.CUT:
            for writer in self._writers:
                writer.transport.abort()

    async def close(self) -> None:
        self._server.close()
        self.become(Mood.CUT)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._mood is Mood.CUT:
            writer.transport.abort()
            return
        onward_reader, onward = await asyncio.open_connection(HOST, self._target)
        self._writers |= {writer, onward}
        for source, target, is_answer in ((reader, onward, False), (onward_reader, writer, True)):
            task = asyncio.create_task(self._pass_on(source, target, is_answer))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pass_on(
        self, source: asyncio.StreamReader, target: asyncio.StreamWriter, is_answer: bool
    ) -> None:
        with suppress(OSError):
            while data := await source.read(1 << 16):
                while self._mood is Mood.STALLING:
                    await self._moved.wait()
                if not (is_answer and self._mood is Mood.SILENT):
                    target.write(data)
        self._writers.discard(target)
        target.transport.abort()
