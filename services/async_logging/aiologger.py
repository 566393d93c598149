"""aiologger as it comes: a task for each record, two trips to a thread for each task.

Only what the lab cannot do without is added: sizes are bounded, outcomes are counted, and a request
waits when too many records are on their way, since aiologger itself would let them grow without
end. What it loses at the end it loses here as well, and says so.
"""

import asyncio
import logging
import os
import stat
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import aiofiles  # type: ignore[import-untyped] # it has no types either
from aiohttp import web
from aiologger import Logger
from aiologger.formatters.base import Formatter
from aiologger.handlers.base import Handler
from aiologger.handlers.files import BaseAsyncRotatingFileHandler
from aiologger.handlers.streams import AsyncStreamHandler
from aiologger.levels import LogLevel
from aiologger.records import LogRecord

from services.async_logging.drain import DRAIN
from services.async_logging.handlers import file_path
from services.async_logging.outcomes import RECORDS, Outcomes
from services.async_logging.record import Record, as_line
from services.async_logging.technique import SINKS
from services.async_logging.work import log_the_work
from services.chassis.application import SETTINGS
from services.chassis.parameters import PARAMETERS
from services.settings import Settings

logger = logging.getLogger(__name__)

_STDOUT = Path("/dev/stdout")


async def aiologger(request: web.Request) -> web.Response:
    task_logger = request.app[LOGGERS][request[PARAMETERS].text("sink")]
    response = log_the_work(request, task_logger.log)
    await task_logger.room()
    return response


class _JsonFormatter(Formatter):  # type: ignore[misc] # aiologger has no types
    def format(self, record: LogRecord) -> str:
        line = as_line(record.msg).decode()
        record.length = len(line)
        return line


class _Counted(Handler):  # type: ignore[misc] # as above
    """`emit` reports what it cannot write to `handle_error`, which prints and forgets it."""

    outcomes: Outcomes

    async def emit(self, record: LogRecord) -> None:
        record.failed = False
        try:
            await super().emit(record)
        except OSError as error:  # it cannot be opened, which aiologger lets pass unseen
            await self.handle_error(record, error)
        (self.outcomes.failed if record.failed else self.outcomes.written)(1)

    async def handle_error(self, record: LogRecord, exception: Exception) -> None:
        record.failed = True
        await super().handle_error(record, exception)


class SizedFile(_Counted, BaseAsyncRotatingFileHandler):  # type: ignore[misc] # as above
    """aiologger rotates by time alone, which bounds nothing: one file, one predecessor."""

    stream: Any

    def __init__(
        self, path: Path, maximum_bytes: int, outcomes: Outcomes, durable: bool = False
    ) -> None:
        super().__init__(str(path), encoding="utf-8")
        self.formatter = _JsonFormatter()
        self.outcomes = outcomes
        self._durable = durable
        self._maximum_bytes = maximum_bytes
        self._size = path.stat().st_size if path.is_file() else 0

    def should_rollover(self, record: LogRecord) -> bool:
        return self.initialized and self._size >= self._maximum_bytes

    async def do_rollover(self) -> None:
        # The new file is open before the old one is closed: others are in the midst of a write.
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


class StandardOutput(_Counted, AsyncStreamHandler):  # type: ignore[misc] # as above
    """A pipe or a terminal: aiologger's stream handler can do no other."""

    stream: Any

    def __init__(self, outcomes: Outcomes) -> None:
        super().__init__(formatter=_JsonFormatter())
        self.stream = None
        self.outcomes = outcomes

    async def _init_writer(self) -> object:
        # Opened anew, since aiologger sets what it is given not to block: the standard output that
        # the process shares with others must stay as it is.
        if self.stream is None:
            self.stream = _STDOUT.open("wb", buffering=0)  # noqa: ASYNC230 - a pipe with a reader
        return await super()._init_writer()


class TaskLogger:
    """One sink: aiologger's logger, and the tasks that it has made and forgets."""

    def __init__(self, handler: Handler, outcomes: Outcomes, most: int) -> None:
        self._logger = Logger(name="records", level=LogLevel.INFO)
        self._logger.add_handler(handler)
        self._outcomes = outcomes
        self._most = most
        # asyncio itself holds a task weakly: one that nobody keeps may vanish before it has run.
        self._tasks: set[asyncio.Task[object]] = set()

    def log(self, record: Record) -> None:
        task = self._logger.info(record)
        self._outcomes.accepted(1)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def room(self) -> None:
        """Returns at once, unless more records are on their way than the queues of others hold."""
        if len(self._tasks) > self._most:
            await asyncio.wait(set(self._tasks), return_when=asyncio.FIRST_COMPLETED)

    async def close(self, deadline: float) -> int:
        """As aiologger closes: how many records that were accepted it has not written."""
        try:
            async with asyncio.timeout(deadline):
                await self._logger.shutdown()
        except TimeoutError:
            logger.warning("aiologger could not be shut down within the deadline")
        for task in self._tasks:
            task.cancel()  # so would the event loop, when it ends
        await asyncio.gather(*self._tasks, return_exceptions=True)
        counts = self._outcomes.counts
        lost = counts["accepted"] - counts["written"] - counts["failed"]
        self._outcomes.failed(lost)
        return lost


LOGGERS = web.AppKey("task_loggers", Mapping[str, TaskLogger])


async def open_task_loggers(application: web.Application) -> AsyncIterator[None]:
    """A cleanup context: a logger for each sink, shut down as aiologger shuts down."""
    settings = application[SETTINGS]
    loggers = {}
    for sink in SINKS:
        outcomes = application[RECORDS].of("aiologger")
        handler = _open(settings, sink, outcomes)
        loggers[sink] = TaskLogger(handler, outcomes, settings.log_queue_size)
    application[LOGGERS] = loggers
    yield
    closing = [each.close(application[DRAIN].left()) for each in loggers.values()]
    lost = sum(await asyncio.gather(*closing))
    if lost:
        logger.error("aiologger: %d log records were accepted and never written", lost)


def _open(settings: Settings, sink: str, outcomes: Outcomes) -> Handler:
    maximum_bytes = settings.log_file_megabytes * 1_000_000
    if sink == "stdout":
        return _open_stdout(outcomes)
    path = file_path(settings, "aiologger", sink)
    return SizedFile(path, maximum_bytes, outcomes, durable=sink == "fsync")


def _open_stdout(outcomes: Outcomes) -> Handler:
    mode = os.fstat(1).st_mode
    if stat.S_ISFIFO(mode) or os.isatty(1):
        return StandardOutput(outcomes)
    # A regular file, as under the lab's own supervisor: only the file handler can write to it, and
    # whose it is we do not know, so that it is never rotated.
    return SizedFile(_STDOUT, 2**63, outcomes)
