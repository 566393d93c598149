"""The standard library's log handlers for the three sinks, extended to count written records.

`naive.py` and `queue_listener.py` use them.
"""

import logging
import os
import sys
from logging.handlers import RotatingFileHandler
from pathlib import Path

from services.async_logging.log_queue import LogObserver
from services.async_logging.log_record import Record, encode_line
from services.async_logging.sinks import record_file_path
from services.settings import Settings

logger = logging.getLogger(__name__)


def open_handler(
    settings: Settings, variant: str, sink: str, observer: LogObserver
) -> logging.Handler:
    """A handler that writes each record as one line of JSON before `handle` returns."""
    handler: logging.Handler
    if sink == "stdout":
        handler = CountingStreamHandler(observer)
    else:
        path = record_file_path(settings.log_directory, variant, sink)
        maximum_bytes = settings.log_file_megabytes * 1_000_000
        handler = CountingFileHandler(path, maximum_bytes, observer, durable=sink == "fsync")
    handler.setFormatter(JsonFormatter())
    return handler


class JsonFormatter(logging.Formatter):
    """Formats a `Record` as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        # A QueueHandler has already replaced the message by its formatted text.
        return encode_line(record.msg).decode() if isinstance(record.msg, Record) else record.msg


class _CountingHandler(logging.Handler):
    """Counts each record as written, or as failed if `emit` called `handleError`."""

    observer: LogObserver
    _has_failed = False

    def emit(self, record: logging.LogRecord) -> None:
        self._has_failed = False
        super().emit(record)
        (self.observer.failed if self._has_failed else self.observer.written)(1)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's own name
        self._has_failed = True
        super().handleError(record)


class CountingFileHandler(_CountingHandler, RotatingFileHandler):
    """Writes to a file and keeps one predecessor. With `durable`, `emit` returns after fsync."""

    def __init__(
        self, path: Path, maximum_bytes: int, observer: LogObserver, durable: bool = False
    ) -> None:
        super().__init__(path, maxBytes=maximum_bytes, backupCount=1, encoding="utf-8", delay=True)
        self.observer = observer
        self._durable = durable

    def flush(self) -> None:
        super().flush()
        if self._durable and self.stream is not None:
            os.fsync(self.stream.fileno())

    def close(self) -> None:
        try:
            super().close()
        except OSError:
            # The disk is full: text of failed records is still in the stream's buffer. The other
            # writers must be closed nevertheless.
            logger.exception("the file of the log records could not be closed")


class CountingStreamHandler(_CountingHandler, logging.StreamHandler):  # type: ignore[type-arg] # not at run time
    """Writes to standard output."""

    def __init__(self, observer: LogObserver) -> None:
        super().__init__(sys.stdout)
        self.observer = observer
