"""aiologger's file handler, made to write many records at a time into a file of bounded size.

As it comes it writes and flushes one record at a time, each through a thread, and prints a failed
write to stderr and forgets it. Here a batch is one record to it, and a failure is the caller's.
"""

import os
from collections.abc import Sequence

from aiologger.formatters.base import Formatter
from aiologger.handlers.files import AsyncFileHandler
from aiologger.levels import LogLevel
from aiologger.records import LogRecord

from services.async_logging.record import Record, as_line


class _BatchFormatter(Formatter):  # type: ignore[misc] # aiologger has no types
    def format(self, record: LogRecord) -> str:
        return "\n".join(map(as_line, record.msg))


class BatchFile(AsyncFileHandler):  # type: ignore[misc] # as above
    """One file and one predecessor, each of at most `maximum_bytes` and a batch."""

    def __init__(self, path: str, maximum_bytes: int) -> None:
        super().__init__(filename=path, encoding="utf-8")
        self.formatter = _BatchFormatter()
        self._maximum_bytes = maximum_bytes

    async def write(self, batch: Sequence[Record]) -> None:
        """Returns once the batch is with the operating system. Raises OSError."""
        await self.emit(LogRecord("lab", LogLevel.INFO, "", 0, batch))
        if await self.stream.tell() >= self._maximum_bytes:
            await self.close()
            os.replace(self.absolute_file_path, f"{self.absolute_file_path}.1")  # noqa: PTH105

    async def handle_error(self, record: LogRecord, exception: Exception) -> None:
        raise exception
