"""Encodes a body piece by piece, so that the client can decode each piece at once."""

from collections.abc import Callable
from time import perf_counter

from services.compression.accept_encoding import IDENTITY
from services.compression.codings import CODINGS, Stream

#: The length of a stream is unknown. Its level is the default for a body of this size.
_TYPICAL_BYTES = 64 * 1024


class _Identity:
    def write(self, piece: bytes) -> bytes:
        return piece

    def finish(self) -> bytes:
        return b""


class PiecewiseEncoder:
    """Encodes one body, and counts `plain_bytes`, `encoded_bytes` and the `seconds` it took.

    Each piece ends in a flush: zlib's sync flush (00 00 ff ff), or the end of a block of zstd and
    brotli. That costs some bytes per piece, so join pieces of a few dozen bytes first. Level 0 is
    the coding's default. Raises ValueError if the coding does not encode responses at the level.
    """

    def __init__(
        self, coding: str, level: int = 0, clock: Callable[[], float] = perf_counter
    ) -> None:
        self.coding = coding
        self.plain_bytes = 0
        self.encoded_bytes = 0
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

    def _count(self, plain_bytes: int, encoded_bytes: int, started: float) -> None:
        self.plain_bytes += plain_bytes
        self.encoded_bytes += encoded_bytes
        self.seconds += self._clock() - started


def _open(name: str, level: int) -> Stream:
    if name == IDENTITY:
        return _Identity()
    coding = CODINGS[name]
    return coding.open(coding.level(_TYPICAL_BYTES, level))
