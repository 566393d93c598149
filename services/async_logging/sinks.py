"""Where lines end up: a file of bounded size, or standard output. Both block; both are exact."""

import contextlib
import os
import select
import stat
from pathlib import Path

_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
_MODE = 0o640  # what a service logs is not for everybody


class RotatingFile:
    """One file and one predecessor, each of at most `maximum_bytes`, or one write if that is more.

    For one process: two that rotate the same file would take it from each other. `durable`: a write
    is on the disk when it returns, not only with the operating system. The file is opened with the
    first write, which may hang as any other does.
    """

    def __init__(self, path: Path, maximum_bytes: int, durable: bool = False) -> None:
        self._path = path
        self._maximum_bytes = maximum_bytes
        self._durable = durable
        self._descriptor: int | None = None
        self._size = 0
        self._regular = True

    def write(self, text: bytes) -> None:
        """All or nothing: of a write that fails nothing stays in the file. Raises OSError."""
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
        if self._regular:
            self._size += len(text)

    def close(self) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    def _opened(self) -> int:
        if self._descriptor is None:
            self._descriptor = os.open(self._path, _FLAGS, _MODE)
            status = os.fstat(self._descriptor)
            self._regular = stat.S_ISREG(status.st_mode)
            self._size = status.st_size if self._regular else 0
            if self._durable:
                _sync_folder(self._path.parent)  # else the file's very name may be lost
        return self._descriptor

    def _undo(self, descriptor: int) -> None:
        # Half a line would take the next one with it.
        if self._regular:
            with contextlib.suppress(OSError):
                os.ftruncate(descriptor, self._size)

    def _rotate(self) -> None:
        self.close()
        self._path.replace(self._path.with_name(self._path.name + ".1"))
        self._size = 0


class Stream:
    """A descriptor that somebody else opened and will close: standard output."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def write(self, text: bytes) -> None:
        """Raises OSError; of a write that fails a part may have been sent."""
        write_all(self._descriptor, text)

    def close(self) -> None:
        """Leaves it open."""


def write_all(descriptor: int, text: bytes) -> None:
    """Write to the end, though a pipe may take a part only. Raises OSError."""
    left = memoryview(text)
    while left:
        try:
            left = left[os.write(descriptor, left) :]
        except BlockingIOError:
            # Whoever shares our standard output may have set it not to block.
            select.select([], [descriptor], [])


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
