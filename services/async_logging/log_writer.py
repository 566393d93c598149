"""The thread that takes lines out of the log queue and writes them to a sink in batches.

The writer is a daemon thread and not a thread of an executor. A write that hangs cannot be
cancelled, and Python joins the threads of executors before it exits. A daemon thread ends with the
process. Next: `log_queue.py`, `sinks.py`.
"""

import asyncio
import logging
import threading
from concurrent.futures import Future
from typing import Protocol

from services.async_logging.log_queue import LogQueue

logger = logging.getLogger(__name__)

#: Most of a queue of the default size. Under load the thread waits some milliseconds for the GIL
#: before each batch. Large batches keep its throughput above the rate of new lines.
BATCH_LINES = 4096
#: How long the writer waits for more lines after the first. Each wake-up of the thread takes the
#: GIL from the requests. A crash loses at most this many more seconds of lines.
LINGER_SECONDS = 0.005


class Sink(Protocol):
    """The destination of lines. Its methods may block without limit."""

    def write(self, text: bytes) -> None:
        """Write all lines of `text`, or none of them. Raises OSError."""

    def close(self) -> None: ...


class LogWriter:
    """Owns the sink: only the writer's thread calls its methods, `close` included."""

    def __init__(self, queue: LogQueue, sink: Sink, linger: float = LINGER_SECONDS) -> None:
        self._queue = queue
        self._sink = sink
        self._linger = linger
        self._is_failing = False
        self._ended: Future[None] = Future()

    def start(self) -> None:
        threading.Thread(target=self._run, name="log writer", daemon=True).start()

    async def close(self, timeout: float) -> int:
        """Refuse further lines and write the rest. Returns how many are unwritten at `timeout`."""
        self._queue.close()
        await asyncio.wait({asyncio.wrap_future(self._ended)}, timeout=timeout)
        return self._queue.abandon()

    def _run(self) -> None:
        while lines := self._queue.take(BATCH_LINES, self._linger):
            self._write(b"\n".join(lines) + b"\n")
        try:
            self._sink.close()
        except OSError:
            logger.exception("the sink of the log records could not be closed")
        self._ended.set_result(None)

    def _write(self, text: bytes) -> None:
        try:
            self._sink.write(text)
        except Exception:
            # The thread must survive any exception to write the next batch. It logs only the first
            # failure in a row: one message per batch would fill the process's own log as well.
            if not self._is_failing:
                logger.exception("log records cannot be written")
            self._is_failing = True
            self._queue.finish_batch(written=False)
        else:
            if self._is_failing:
                logger.warning("log records can be written again")
            self._is_failing = False
            self._queue.finish_batch(written=True)
