"""The thread that takes lines out of the queue and writes them, many at a time.

A thread of its own and not one of an executor: a write that hangs cannot be ended, and Python joins
the threads of executors before it exits. This one is a daemon, which dies with the process.
"""

import asyncio
import logging
import threading
from concurrent.futures import Future
from typing import Protocol

from services.async_logging.log_queue import LogQueue

logger = logging.getLogger(__name__)

#: Most of a queue of the usual size: under load the thread waits its turn for the interpreter, some
#: milliseconds each time, so that few lines a turn would be written more slowly than they come.
BATCH_LINES = 4096
#: How long a line waits for company. Each awakening of the thread costs the others the interpreter;
#: a crash loses this much more.
LINGER_SECONDS = 0.005


class Sink(Protocol):
    """Where lines go; may block for as long as it likes."""

    def write(self, text: bytes) -> None:
        """Whole lines, all of them or none. Raises OSError."""

    def close(self) -> None: ...


class LogWriter:
    """Owns the sink: nobody else touches it, not even to close it."""

    def __init__(self, queue: LogQueue, sink: Sink, linger: float = LINGER_SECONDS) -> None:
        self._queue = queue
        self._sink = sink
        self._linger = linger
        self._failing = False
        self._ended: Future[None] = Future()

    def start(self) -> None:
        threading.Thread(target=self._run, name="log writer", daemon=True).start()

    async def close(self, deadline: float) -> int:
        """Refuse further lines, write the waiting ones: how many `deadline` seconds left over."""
        self._queue.close()
        await asyncio.wait({asyncio.wrap_future(self._ended)}, timeout=deadline)
        return self._queue.abandon()

    def _run(self) -> None:
        while lines := self._queue.take(BATCH_LINES, self._linger):
            self._write(b"\n".join(lines) + b"\n")
        try:
            self._sink.close()
        except OSError:
            logger.exception("the log's sink could not be closed")
        self._ended.set_result(None)

    def _write(self, text: bytes) -> None:
        try:
            self._sink.write(text)
        except Exception:
            # Whatever a sink raises, the lines behind these are to be written. Said once and not
            # for each batch: a full disk would be followed by a full log of the process.
            if not self._failing:
                logger.exception("log records cannot be written")
            self._failing = True
            self._queue.settle(written=False)
        else:
            if self._failing:
                logger.warning("log records can be written again")
            self._failing = False
            self._queue.settle(written=True)
