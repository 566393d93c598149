"""Sinks: a file of bounded size, and standard output.

Their writes block. Only `log_writer.py` calls them, from its own thread.
"""

import contextlib
import os
import select
import stat
from pathlib import Path

_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
_MODE = 0o640  # other users must not read the logs of a service


def record_file_path(directory: Path, variant: str, sink: str) -> Path:
    """The file of one variant and sink. Variants never share a file."""
    name = variant if sink == "file" else f"{variant}-{sink}"
    return directory / f"records-{name}.log"


class RotatingFile:
    """Writes to a file and keeps one predecessor, each at most `maximum_bytes` or one write long.

    Only one process may use a path. Otherwise one process would rotate a file that the other still
    writes to. With `durable`, a write returns after fsync. The first write opens the file, because
    opening may hang too.
    """

    # Known once the file is open.
    _size: int
    _is_regular: bool

    def __init__(self, path: Path, maximum_bytes: int, durable: bool = False) -> None:
        self._path = path
        self._maximum_bytes = maximum_bytes
        self._durable = durable
        self._descriptor: int | None = None

    def write(self, text: bytes) -> None:
        """Write all of `text`. Raises OSError, and then leaves nothing of `text` in the file."""
        descriptor = self._opened()
        if self._size and self._size + len(text) > self._maximum_bytes:
            self._rotate()
            descriptor = self._opened()
        try:
            write_all(descriptor, text)
            if self._durable:
                os.fsync(descriptor)
        except OSError:
            self._undo(descriptor)
            raise
        if self._is_regular:
            self._size += len(text)

    def close(self) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    def _opened(self) -> int:
        if self._descriptor is None:
            self._descriptor = os.open(self._path, _FLAGS, _MODE)
            status = os.fstat(self._descriptor)
            self._is_regular = stat.S_ISREG(status.st_mode)
            self._size = status.st_size if self._is_regular else 0
            if self._durable:
                _sync_folder(self._path.parent)  # else a power cut may lose the file's name
        return self._descriptor

    def _undo(self, descriptor: int) -> None:
        # The next line would be appended to half a line, and neither could be parsed.
        if self._is_regular:
            with contextlib.suppress(OSError):
                os.ftruncate(descriptor, self._size)

    def _rotate(self) -> None:
        self.close()
        self._path.replace(self._path.with_name(self._path.name + ".1"))


class Stream:
    """Writes to a descriptor that other code opens and closes: standard output."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def write(self, text: bytes) -> None:
        """Write all of `text`. Raises OSError; a part of `text` may then have been written."""
        write_all(self._descriptor, text)

    def close(self) -> None:
        """Do nothing: the descriptor belongs to other code."""


def write_all(descriptor: int, text: bytes) -> None:
    """Write until nothing is left, since a pipe may accept only a part. Raises OSError."""
    left = memoryview(text)
    while left:
        try:
            left = left[os.write(descriptor, left) :]
        except BlockingIOError:
            # Another process that shares standard output may have made it non-blocking.
            select.select([], [descriptor], [])


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
