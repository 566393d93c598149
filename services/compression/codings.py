"""Content codings with the levels at which an answer may be encoded while its client waits."""

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import brotli
import zstandard

_KIB = 1024
_GZIP_WINDOW_BITS = 16 + zlib.MAX_WBITS
#: What HTTP calls deflate is the zlib format of RFC 1950, not the bare stream of RFC 1951.
_DEFLATE_WINDOW_BITS = zlib.MAX_WBITS


class Stream(Protocol):
    """A body encoded piece by piece."""

    def write(self, piece: bytes) -> bytes:
        """All of the piece: what is returned can be decoded without what comes later."""
        ...

    def finish(self) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Coding:
    """One content coding; sizes are in bytes of the plain body.

    Nothing above `highest` can be encoded with it: the best levels of each take a hundred times as
    long as these, brotli's 11 a second per megabyte. They are for files, encoded before anybody
    asks: `static_files`.
    """

    name: str
    highest: int
    small_level: int
    large_level: int
    small_bytes: int
    inline_bytes: int
    _encode: Callable[[bytes, int], bytes]
    _open: Callable[[int], Stream]

    def level(self, size: int, asked: int = 0) -> int:
        """The level for a body of this size; `asked` stands before it where it is not 0.

        Raises ValueError when that is a level that no answer may be encoded at.
        """
        if asked:
            return self._checked(asked)
        return self.small_level if size <= self.small_bytes else self.large_level

    def is_quick(self, size: int, level: int) -> bool:
        """Whether encoding takes no longer than about 2 ms, so that an event loop can bear it."""
        return size <= self.inline_bytes and level <= self.small_level

    def encode(self, body: bytes, level: int) -> bytes:
        """Leaves the interpreter to other threads meanwhile. Raises ValueError as `level` does."""
        return self._encode(body, self._checked(level))

    def open(self, level: int) -> Stream:
        """Raises ValueError as `level` does."""
        return self._open(self._checked(level))

    def _checked(self, level: int) -> int:
        if not 1 <= level <= self.highest:
            raise ValueError(f"{self.name} encodes answers at levels 1 to {self.highest}")
        return level


class _ZstdStream:
    def __init__(self, level: int) -> None:
        self._encoder = zstandard.ZstdCompressor(level=level).compressobj()

    def write(self, piece: bytes) -> bytes:
        encoded = self._encoder.compress(piece)
        return bytes(encoded + self._encoder.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK))

    def finish(self) -> bytes:
        return bytes(self._encoder.flush(zstandard.COMPRESSOBJ_FLUSH_FINISH))


class _BrotliStream:
    def __init__(self, level: int) -> None:
        self._encoder = brotli.Compressor(mode=brotli.MODE_TEXT, quality=level)

    def write(self, piece: bytes) -> bytes:
        return bytes(self._encoder.process(piece) + self._encoder.flush())

    def finish(self) -> bytes:
        return bytes(self._encoder.finish())


class _ZlibStream:
    def __init__(self, level: int, window_bits: int) -> None:
        self._encoder = zlib.compressobj(level, zlib.DEFLATED, window_bits)

    def write(self, piece: bytes) -> bytes:
        return self._encoder.compress(piece) + self._encoder.flush(zlib.Z_SYNC_FLUSH)

    def finish(self) -> bytes:
        return self._encoder.flush()


def _zstd(body: bytes, level: int) -> bytes:
    # A compressor keeps state and is not shared between threads; making one costs microseconds.
    # Up to level 19 its window stays within the 8 MiB that RFC 9659 allows for HTTP.
    return bytes(zstandard.ZstdCompressor(level=level).compress(body))


def _brotli(body: bytes, level: int) -> bytes:
    return bytes(brotli.compress(body, mode=brotli.MODE_TEXT, quality=level))


def _gzip(body: bytes, level: int) -> bytes:
    # Not gzip.compress(): it writes the time into the head, and the same body must stay the same.
    return zlib.compress(body, level=level, wbits=_GZIP_WINDOW_BITS)


def _deflate(body: bytes, level: int) -> bytes:
    return zlib.compress(body, level=level, wbits=_DEFLATE_WINDOW_BITS)


def _open_gzip(level: int) -> Stream:
    return _ZlibStream(level, _GZIP_WINDOW_BITS)


def _open_deflate(level: int) -> Stream:
    return _ZlibStream(level, _DEFLATE_WINDOW_BITS)


# The level by size: the small level takes a millisecond or two for a body of `small_bytes`. One
# more saves a percent or two of the bytes for twice the time, which pays for no client that is
# nearer than 10 Mbit/s; where all are near, take the large levels for everything.
_ALL = (
    Coding("zstd", 9, 3, 1, 1024 * _KIB, 256 * _KIB, _zstd, _ZstdStream),
    Coding("br", 9, 5, 4, 64 * _KIB, 64 * _KIB, _brotli, _BrotliStream),
    Coding("gzip", 9, 6, 4, 32 * _KIB, 64 * _KIB, _gzip, _open_gzip),
    Coding("deflate", 9, 6, 4, 32 * _KIB, 64 * _KIB, _deflate, _open_deflate),
)

#: By name, in the server's preference for answers made on the fly: fastest for its size first.
CODINGS: dict[str, Coding] = {coding.name: coding for coding in _ALL}
