"""Variant `queue`: the standard library's QueueHandler and QueueListener, with a bounded queue.

A background thread writes, but without batches: it takes, writes and flushes each record alone.
"""

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import Future
from logging.handlers import QueueHandler, QueueListener
from queue import Full, Queue

from aiohttp import web

from services.async_logging.counting_handlers import JsonFormatter, open_handler
from services.async_logging.drain_deadline import drain
from services.async_logging.log_record import Record
from services.async_logging.order_check import check_order
from services.async_logging.record_counter import RECORDS, OutcomeCounts
from services.async_logging.technique import SINKS
from services.chassis.application import SETTINGS
from services.chassis.parameters import PARAMETERS

RecordQueue = Queue[logging.LogRecord | None]

QUEUED_LOGGERS = web.AppKey("queued_loggers", Mapping[str, "QueuedLogger"])


async def queue_listener(request: web.Request) -> web.Response:
    queued_logger = request.app[QUEUED_LOGGERS][request[PARAMETERS].text("sink")]
    return check_order(request, queued_logger.log)


class BoundedQueueHandler(QueueHandler):
    """Counts records that do not fit. QueueHandler would print a traceback for each of them."""

    def __init__(self, records: RecordQueue, counts: OutcomeCounts) -> None:
        super().__init__(records)
        self.setFormatter(JsonFormatter())
        self._counts = counts

    def enqueue(self, record: logging.LogRecord) -> None:
        try:
            super().enqueue(record)
        except Full:
            self._counts.dropped(1)
        else:
            self._counts.accepted(1)


class BoundedQueueListener(QueueListener):
    """Can be stopped while its queue is full. QueueListener would raise queue.Full."""

    def enqueue_sentinel(self) -> None:
        self.queue.put(None)  # type: ignore[attr-defined] # a Queue, whose put blocks


class QueuedLogger:
    """The logger, the queue and the listener thread of one sink."""

    def __init__(self, size: int, handler: logging.Handler, counts: OutcomeCounts) -> None:
        records: RecordQueue = Queue(size)
        self._counts = counts
        self._listener = BoundedQueueListener(records, handler)
        self._handler = handler
        self._logger = logging.Logger("records", logging.INFO)  # noqa: LOG001 - as in naive.py
        self._logger.addHandler(BoundedQueueHandler(records, counts))

    def start(self) -> None:
        self._listener.start()

    def log(self, record: Record) -> None:
        self._logger.info(record)

    async def close(self, timeout: float) -> int:
        """Write the remaining records. Returns how many are unwritten after `timeout` seconds."""
        # `stop` blocks without limit. Python would join a thread of an executor before it exits.
        stopped: Future[None] = Future()
        threading.Thread(target=self._stop, args=[stopped], daemon=True).start()
        await asyncio.wait({asyncio.wrap_future(stopped)}, timeout=timeout)
        if not stopped.done():
            lost = self._counts.pending
            self._counts.failed(lost)
            return lost
        self._handler.close()
        return 0

    def _stop(self, stopped: Future[None]) -> None:
        self._listener.stop()
        stopped.set_result(None)


async def open_queued_loggers(application: web.Application) -> AsyncIterator[None]:
    """A cleanup context that opens a queued logger per sink, and drains them at the end."""
    settings = application[SETTINGS]
    loggers = {}
    for sink in SINKS:
        counts = application[RECORDS].new_counts("queue")
        handler = open_handler(settings, "queue", sink, counts)
        loggers[sink] = QueuedLogger(settings.log_queue_size, handler, counts)
        loggers[sink].start()
    application[QUEUED_LOGGERS] = loggers
    yield
    await drain(application, "queue", loggers.values())
