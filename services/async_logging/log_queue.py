"""A bounded queue between those who log and the one task that writes.

`offer` never waits: when the queue is full the newest record is dropped and counted, since a
request must not wait for a disk. `close` writes what was accepted, within a deadline.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from typing import Protocol

from services.async_logging.record import Record

logger = logging.getLogger(__name__)

BATCH_RECORDS = 512


class Sink(Protocol):
    async def write(self, batch: Sequence[Record]) -> None: ...

    async def close(self) -> None: ...


class Observer(Protocol):
    """Told how many records met each outcome; must return at once."""

    def accepted(self, count: int) -> None: ...

    def written(self, count: int) -> None: ...

    def dropped(self, count: int) -> None: ...

    def failed(self, count: int) -> None: ...


class LogQueue:
    """Belongs to one event loop: nothing here is safe to call from another thread."""

    def __init__(self, sink: Sink, observer: Observer, size: int) -> None:
        self._sink = sink
        self._observer = observer
        self._size = size
        self._records: deque[Record] = deque()
        self._filled = asyncio.Event()
        self._closing = False
        self._writer: asyncio.Task[None] | None = None

    @property
    def depth(self) -> int:
        return len(self._records)

    def start(self) -> None:
        self._writer = asyncio.create_task(self._write(), name="log writer")

    def offer(self, record: Record) -> bool:
        """Whether the record was accepted; False when the queue is full or closing."""
        if self._closing or len(self._records) >= self._size:
            self._observer.dropped(1)
            return False
        self._records.append(record)
        self._observer.accepted(1)
        self._filled.set()
        return True

    async def close(self, deadline: float) -> int:
        """Refuse further records, write the waiting ones; how many `deadline` seconds left over."""
        latest = asyncio.get_running_loop().time() + deadline
        self._closing = True
        self._filled.set()
        if self._writer is not None:
            await asyncio.wait({self._writer}, timeout=deadline)
            self._writer.cancel()
            await asyncio.gather(self._writer, return_exceptions=True)
        lost = self.depth
        self._records.clear()
        self._observer.failed(lost)
        await self._close_sink(latest)
        return lost

    async def _close_sink(self, latest: float) -> None:
        try:
            async with asyncio.timeout_at(latest):
                await self._sink.close()
        except (OSError, TimeoutError):
            logger.exception("the log's sink could not be closed")

    async def _write(self) -> None:
        while True:
            await self._filled.wait()
            self._filled.clear()
            while self._records:
                await self._write_batch()
            if self._closing:
                return

    async def _write_batch(self) -> None:
        count = min(BATCH_RECORDS, len(self._records))
        batch = [self._records.popleft() for _ in range(count)]
        try:
            await self._sink.write(batch)
        except asyncio.CancelledError:
            self._records.extendleft(reversed(batch))  # whoever closes counts what is left
            raise
        except Exception:
            # Whatever a sink raises, the records behind these are to be written.
            logger.exception("%d log records could not be written", count)
            self._observer.failed(count)
        else:
            self._observer.written(count)
