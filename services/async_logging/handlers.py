"""The standard library's handlers for the three sinks, with what becomes of a record counted."""

import logging
import os
import sys
from logging.handlers import RotatingFileHandler
from pathlib import Path

from services.async_logging.log_queue import Observer
from services.async_logging.record import Record, as_line
from services.settings import Settings


def file_path(settings: Settings, variant: str, sink: str) -> Path:
    """Each variant writes each kind of file for itself."""
    name = variant if sink == "file" else f"{variant}-{sink}"
    return settings.log_directory / f"records-{name}.log"


def open_handler(
    settings: Settings, variant: str, sink: str, observer: Observer
) -> logging.Handler:
    """A handler that writes each record before `handle` returns, as one JSON object a line."""
    handler: logging.Handler
    if sink == "stdout":
        handler = CountedStream(observer)
    else:
        path = file_path(settings, variant, sink)
        maximum_bytes = settings.log_file_megabytes * 1_000_000
        handler = CountedFile(path, maximum_bytes, observer, durable=sink == "fsync")
    handler.setFormatter(JsonFormatter())
    return handler


class JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        # A QueueHandler has formatted it already.
        return as_line(record.msg).decode() if isinstance(record.msg, Record) else record.msg


class _Counted(logging.Handler):
    """`flush` writes, and reports what it cannot write to `handleError`."""

    observer: Observer
    _failing = False

    def emit(self, record: logging.LogRecord) -> None:
        self._failing = False
        super().emit(record)
        (self.observer.failed if self._failing else self.observer.written)(1)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's own name
        self._failing = True
        super().handleError(record)


class CountedFile(_Counted, RotatingFileHandler):
    """One file and one predecessor; `durable`: on the disk before `emit` returns."""

    def __init__(
        self, path: Path, maximum_bytes: int, observer: Observer, durable: bool = False
    ) -> None:
        super().__init__(path, maxBytes=maximum_bytes, backupCount=1, encoding="utf-8", delay=True)
        self.observer = observer
        self._durable = durable

    def flush(self) -> None:
        super().flush()
        if self._durable and self.stream is not None:
            os.fsync(self.stream.fileno())


class CountedStream(_Counted, logging.StreamHandler):  # type: ignore[type-arg] # not at run time
    def __init__(self, observer: Observer) -> None:
        super().__init__(sys.stdout)
        self.observer = observer
