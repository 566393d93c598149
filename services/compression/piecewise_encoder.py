"""A body encoded piece by piece, none of which waits for the next."""

from collections.abc import Callable
from time import perf_counter

from services.compression.accept_encoding import IDENTITY
from services.compression.codings import CODINGS, Stream

#: A stream's length is not known: the level is that of a body this long.
_TYPICAL_BYTES = 64 * 1024


class _Identity:
    def write(self, piece: bytes) -> bytes:
        return piece

    def finish(self) -> bytes:
        return b""


class Piecewise:
    """Encodes with a coding, and counts: bytes `before` and `after`, `seconds` it took.

    The client can decode each piece when it has it, since each ends in a flush: of zlib's the sync
    flush (00 00 ff ff), of zstd's and brotli's the end of a block. That costs some bytes a piece,
    so pieces of a few dozen bytes are best put together first. Level 0 is the coding's own. Raises
    ValueError when the coding has no such level.
    """

    def __init__(
        self, coding: str, level: int = 0, clock: Callable[[], float] = perf_counter
    ) -> None:
        self.coding = coding
        self.before = self.after = 0
        self.seconds = 0.0
        self._stream = _open(coding, level)
        self._clock = clock

    def write(self, piece: bytes) -> bytes:
        started = self._clock()
        encoded = self._stream.write(piece)
        self._count(len(piece), len(encoded), started)
        return encoded

    def finish(self) -> bytes:
        started = self._clock()
        encoded = self._stream.finish()
        self._count(0, len(encoded), started)
        return encoded

    def _count(self, before: int, after: int, started: float) -> None:
        self.before += before
        self.after += after
        self.seconds += self._clock() - started


def _open(name: str, level: int) -> Stream:
    if name == IDENTITY:
        return _Identity()
    coding = CODINGS[name]
    return coding.open(coding.level(_TYPICAL_BYTES, level))
