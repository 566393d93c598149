"""Variant `aiologger`: one task per record, and two calls into a thread pool per task.

The variant adds only a bound on file sizes, counts, and a bound on unwritten records, which
aiologger lacks: requests wait while too many records are unwritten. Records that aiologger loses at
shutdown are lost here as well, and are counted.
"""

import asyncio
import logging
import os
import stat
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import aiofiles  # type: ignore[import-untyped] # aiofiles has no types
from aiohttp import web
from aiologger import Logger
from aiologger.formatters.base import Formatter
from aiologger.handlers.base import Handler
from aiologger.handlers.files import BaseAsyncRotatingFileHandler
from aiologger.handlers.streams import AsyncStreamHandler
from aiologger.levels import LogLevel
from aiologger.records import LogRecord

from services.async_logging.drain_deadline import drain
from services.async_logging.log_record import Record, encode_line
from services.async_logging.order_check import check_order
from services.async_logging.record_counter import RECORDS, OutcomeCounts
from services.async_logging.sinks import record_file_path
from services.async_logging.technique import SINKS
from services.chassis.application import SETTINGS
from services.chassis.parameters import PARAMETERS
from services.settings import Settings

logger = logging.getLogger(__name__)

_STDOUT = Path("/dev/stdout")
_NO_BOUND = 2**63


async def task_per_record(request: web.Request) -> web.Response:
    task_logger = request.app[TASK_LOGGERS][request[PARAMETERS].text("sink")]
    response = check_order(request, task_logger.log)
    await task_logger.wait_for_room()
    return response


class _JsonFormatter(Formatter):  # type: ignore[misc] # aiologger has no types
    def format(self, record: LogRecord) -> str:
        line = encode_line(record.msg).decode()
        record.length = len(line)
        return line


class _CountingHandler(Handler):  # type: ignore[misc] # aiologger has no types
    """Counts each record as written, or as failed if `emit` called `handle_error`."""

    counts: OutcomeCounts

    async def emit(self, record: LogRecord) -> None:
        record.failed = False
        try:
            await super().emit(record)
        except OSError as error:  # the file cannot be opened, which aiologger does not handle
            await self.handle_error(record, error)
        (self.counts.failed if record.failed else self.counts.written)(1)

    async def handle_error(self, record: LogRecord, exception: Exception) -> None:
        record.failed = True
        await super().handle_error(record, exception)


class BoundedFileHandler(_CountingHandler, BaseAsyncRotatingFileHandler):  # type: ignore[misc]
    """A file and one predecessor. aiologger's own rotation is by time and bounds no size."""

    stream: Any

    def __init__(
        self, path: Path, maximum_bytes: int, counts: OutcomeCounts, durable: bool = False
    ) -> None:
        super().__init__(str(path), encoding="utf-8")
        self.formatter = _JsonFormatter()
        self.counts = counts
        self._durable = durable
        self._maximum_bytes = maximum_bytes
        self._size = path.stat().st_size if path.is_file() else 0

    def should_rollover(self, record: LogRecord) -> bool:
        return self.initialized and self._size >= self._maximum_bytes

    async def do_rollover(self) -> None:
        # Open the new file before the old one is closed: other tasks may be writing.
        await self.rotate(self.absolute_file_path, f"{self.absolute_file_path}.1")
        old = self.stream
        self.stream = await aiofiles.open(self.absolute_file_path, "a", encoding="utf-8")
        self._size = 0
        await old.close()

    async def emit(self, record: LogRecord) -> None:
        await super().emit(record)
        self._size += record.length
        if self._durable and self.stream is not None:
            await asyncio.to_thread(os.fsync, self.stream.fileno())


class PipeHandler(_CountingHandler, AsyncStreamHandler):  # type: ignore[misc] # as above
    """Standard output, if it is a pipe or a terminal. aiologger's stream handler needs either."""

    stream: Any

    def __init__(self, counts: OutcomeCounts) -> None:
        super().__init__(formatter=_JsonFormatter())
        self.stream = None
        self.counts = counts

    async def _init_writer(self) -> object:
        # aiologger makes its stream non-blocking. A descriptor of our own keeps the standard
        # output that the process shares with others blocking.
        if self.stream is None:
            self.stream = _STDOUT.open("wb", buffering=0)  # noqa: ASYNC230 - a pipe with a reader
        return await super()._init_writer()


class TaskLogger:
    """aiologger's logger for one sink, and the tasks that it starts."""

    def __init__(self, handler: Handler, counts: OutcomeCounts, maximum_tasks: int) -> None:
        self._logger = Logger(name="records", level=LogLevel.INFO)
        self._logger.add_handler(handler)
        self._counts = counts
        self._maximum_tasks = maximum_tasks
        # asyncio holds only weak references to tasks, and aiologger holds none.
        self._tasks: set[asyncio.Task[object]] = set()

    def log(self, record: Record) -> None:
        task = self._logger.info(record)
        self._counts.accepted(1)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def wait_for_room(self) -> None:
        """Wait for one task to end if more than `maximum_tasks` records are unwritten."""
        if len(self._tasks) > self._maximum_tasks:
            await asyncio.wait(set(self._tasks), return_when=asyncio.FIRST_COMPLETED)

    async def close(self, timeout: float) -> int:
        """Shut aiologger down. Returns how many accepted records it has not written."""
        try:
            async with asyncio.timeout(timeout):
                await self._logger.shutdown()
        except TimeoutError:
            logger.warning("aiologger did not shut down within LAB_LOG_DRAIN_SECONDS")
        for task in self._tasks:
            task.cancel()  # the event loop would cancel the tasks as well when it ends
        await asyncio.gather(*self._tasks, return_exceptions=True)
        lost = self._counts.pending
        self._counts.failed(lost)
        return lost


TASK_LOGGERS = web.AppKey("task_loggers", Mapping[str, TaskLogger])


async def open_task_loggers(application: web.Application) -> AsyncIterator[None]:
    """A cleanup context that opens a logger per sink, and shuts them down as aiologger does."""
    settings = application[SETTINGS]
    loggers = {}
    for sink in SINKS:
        counts = application[RECORDS].new_counts("aiologger")
        handler = _open_handler(settings, sink, counts)
        loggers[sink] = TaskLogger(handler, counts, settings.log_queue_size)
    application[TASK_LOGGERS] = loggers
    yield
    await drain(application, "aiologger", loggers.values())


def _open_handler(settings: Settings, sink: str, counts: OutcomeCounts) -> Handler:
    if sink == "stdout":
        return _open_stdout(counts)
    path = record_file_path(settings.log_directory, "aiologger", sink)
    maximum_bytes = settings.log_file_megabytes * 1_000_000
    return BoundedFileHandler(path, maximum_bytes, counts, durable=sink == "fsync")


def _open_stdout(counts: OutcomeCounts) -> Handler:
    mode = os.fstat(1).st_mode
    if stat.S_ISFIFO(mode) or os.isatty(1):
        return PipeHandler(counts)
    # Under the lab's supervisor standard output is a regular file. Only the file handler can write
    # to it. The file is never rotated, because the service does not own it.
    return BoundedFileHandler(_STDOUT, _NO_BOUND, counts)
