"""Content codings, and the levels at which each encodes responses, streams and files."""

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import brotli
import zstandard

_KIB = 1024
_GZIP_WINDOW_BITS = 16 + zlib.MAX_WBITS
#: HTTP's deflate is the zlib format of RFC 1950, not the raw stream of RFC 1951.
_DEFLATE_WINDOW_BITS = zlib.MAX_WBITS


class Stream(Protocol):
    """Encodes one body piece by piece."""

    def write(self, piece: bytes) -> bytes:
        """Return bytes from which the client can decode the whole piece before the next one."""
        ...

    def finish(self) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Coding:
    """One content coding; sizes are in bytes of the unencoded body.

    Responses are encoded at levels 1 to `highest`. The level for files takes up to a hundred times
    as long: brotli needs a second per megabyte at level 11. So files are encoded at the start,
    before any request (`precompressed_files`).
    """

    name: str
    highest: int
    small_level: int
    large_level: int
    file_level: int
    small_bytes: int
    inline_bytes: int
    _encode: Callable[[bytes, int], bytes]
    _open: Callable[[int], Stream]

    def level(self, size: int, requested: int = 0) -> int:
        """Return the requested level, or the coding's default for the size if that is 0.

        Raises ValueError if responses may not be encoded at the requested level.
        """
        if requested:
            return self._checked(requested)
        return self.small_level if size <= self.small_bytes else self.large_level

    def is_quick(self, size: int, level: int) -> bool:
        """Whether encoding takes at most about 2 ms, short enough for the event loop."""
        return size <= self.inline_bytes and level <= self.small_level

    def encode(self, body: bytes, level: int) -> bytes:
        """Encode a response; the GIL is released meanwhile. Raises ValueError as `level` does."""
        return self._encode(body, self._checked(level))

    def encode_file(self, body: bytes) -> bytes:
        """Encode at the file level: slow, and never for a request."""
        return self._encode(body, self.file_level)

    def open(self, level: int) -> Stream:
        """Begin to encode a body in pieces. Raises ValueError as `level` does."""
        return self._open(self._checked(level))

    def _checked(self, level: int) -> int:
        if not 1 <= level <= self.highest:
            raise ValueError(f"{self.name} encodes responses at levels 1 to {self.highest}")
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
    # A compressor has state and cannot be shared by threads; creating one takes microseconds.
    # Up to level 19 its window stays within the 8 MiB that RFC 9659 allows for HTTP.
    return bytes(zstandard.ZstdCompressor(level=level).compress(body))


def _brotli(body: bytes, level: int) -> bytes:
    return bytes(brotli.compress(body, mode=brotli.MODE_TEXT, quality=level))


def _gzip(body: bytes, level: int) -> bytes:
    # gzip.compress() writes the time into the header: the same body would get different bytes.
    return zlib.compress(body, level=level, wbits=_GZIP_WINDOW_BITS)


def _deflate(body: bytes, level: int) -> bytes:
    return zlib.compress(body, level=level, wbits=_DEFLATE_WINDOW_BITS)


def _open_gzip(level: int) -> Stream:
    return _ZlibStream(level, _GZIP_WINDOW_BITS)


def _open_deflate(level: int) -> Stream:
    return _ZlibStream(level, _DEFLATE_WINDOW_BITS)


# The small level takes a millisecond or two for a body of `small_bytes`. One level more saves a
# percent or two of the bytes for twice the time, which does not pay for a client faster than
# 10 Mbit/s. If all clients are near, use the large levels for every size.
_ALL = (
    Coding("zstd", 9, 3, 1, 19, 1024 * _KIB, 256 * _KIB, _zstd, _ZstdStream),
    Coding("br", 9, 5, 4, 11, 64 * _KIB, 64 * _KIB, _brotli, _BrotliStream),
    Coding("gzip", 9, 6, 4, 9, 32 * _KIB, 64 * _KIB, _gzip, _open_gzip),
    Coding("deflate", 9, 6, 4, 9, 32 * _KIB, 64 * _KIB, _deflate, _open_deflate),
)

#: By name, in the server's order of preference for responses: the best ratio for its time first.
CODINGS: dict[str, Coding] = {coding.name: coding for coding in _ALL}

#: In the server's order of preference for files: the smallest result first, however slow.
FILE_CODINGS = ("br", "zstd", "gzip")
