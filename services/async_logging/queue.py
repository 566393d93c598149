"""The standard library's own answer: QueueHandler and QueueListener, with a bound to the queue.

A thread, but no batches: each record is handed over, taken, written and flushed by itself.
"""

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import Future
from logging.handlers import QueueHandler, QueueListener
from queue import Full, Queue

from aiohttp import web

from services.async_logging.drain import DRAIN
from services.async_logging.handlers import JsonFormatter, open_handler
from services.async_logging.outcomes import RECORDS, Outcomes
from services.async_logging.record import Record
from services.async_logging.technique import SINKS
from services.async_logging.work import log_the_work
from services.chassis.application import SETTINGS
from services.chassis.parameters import PARAMETERS

logger = logging.getLogger(__name__)

Lines = Queue[logging.LogRecord | None]

QUEUES = web.AppKey("queues", Mapping[str, "QueuedLogger"])


async def queue(request: web.Request) -> web.Response:
    return log_the_work(request, request.app[QUEUES][request[PARAMETERS].text("sink")].log)


class BoundedHandler(QueueHandler):
    """The library's own prints a traceback for each record that finds the queue full."""

    def __init__(self, lines: Lines, outcomes: Outcomes) -> None:
        super().__init__(lines)
        self.setFormatter(JsonFormatter())
        self._outcomes = outcomes

    def enqueue(self, record: logging.LogRecord) -> None:
        try:
            super().enqueue(record)
        except Full:
            self._outcomes.dropped(1)
        else:
            self._outcomes.accepted(1)


class PatientListener(QueueListener):
    """The library's own cannot be stopped while its queue is full."""

    def enqueue_sentinel(self) -> None:
        self.queue.put(None)  # type: ignore[attr-defined] # a Queue, which can wait


class QueuedLogger:
    """One sink: logger, queue, and the listener's thread."""

    def __init__(self, size: int, handler: logging.Handler, outcomes: Outcomes) -> None:
        lines: Lines = Queue(size)
        self._outcomes = outcomes
        self._listener = PatientListener(lines, handler)
        self._handler = handler
        self._logger = logging.Logger("records", logging.INFO)  # noqa: LOG001 - as in naive.py
        self._logger.addHandler(BoundedHandler(lines, outcomes))

    def start(self) -> None:
        self._listener.start()

    def log(self, record: Record) -> None:
        self._logger.info(record)

    async def close(self, deadline: float) -> int:
        """Write what waits: how many records `deadline` seconds left over."""
        # `stop` waits without end, and a thread of an executor would keep the process from exiting.
        stopped: Future[None] = Future()
        threading.Thread(target=self._stop, args=[stopped], daemon=True).start()
        await asyncio.wait({asyncio.wrap_future(stopped)}, timeout=deadline)
        if not stopped.done():
            counts = self._outcomes.counts
            lost = counts["accepted"] - counts["written"] - counts["failed"]
            self._outcomes.failed(lost)
            return lost
        self._handler.close()
        return 0

    def _stop(self, stopped: Future[None]) -> None:
        self._listener.stop()
        stopped.set_result(None)


async def open_queues(application: web.Application) -> AsyncIterator[None]:
    """A cleanup context: a queued logger for each sink, written out before the end."""
    settings = application[SETTINGS]
    queues = {}
    for sink in SINKS:
        outcomes = application[RECORDS].of("queue")
        handler = open_handler(settings, "queue", sink, outcomes)
        queues[sink] = QueuedLogger(settings.log_queue_size, handler, outcomes)
        queues[sink].start()
    application[QUEUES] = queues
    yield
    closing = [each.close(application[DRAIN].left()) for each in queues.values()]
    lost = sum(await asyncio.gather(*closing))
    if lost:
        logger.error("queue: %d log records were not written within the deadline", lost)
