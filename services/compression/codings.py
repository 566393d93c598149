"""Content codings at the level that pays for an answer made on the fly."""

import zlib
from collections.abc import Callable

import brotli
import zstandard

Compress = Callable[[bytes], bytes]

#: Below this many bytes the headers that compression adds weigh as much as it saves.
MINIMUM_BYTES = 1024

# Levels for content that is compressed once and sent once: each coding's knee, behind which a few
# percent of size cost a multiple of the time. Brotli at 11 takes a thousand times as long as at 4.
_ZSTD_LEVEL = 3
_BROTLI_QUALITY = 4
_GZIP_LEVEL = 1
_GZIP_WINDOW_BITS = 16 + zlib.MAX_WBITS


def _zstd(body: bytes) -> bytes:
    # A compressor keeps state and is not shared between threads; making one costs a microsecond.
    return zstandard.ZstdCompressor(level=_ZSTD_LEVEL).compress(body)


def _brotli(body: bytes) -> bytes:
    return bytes(brotli.compress(body, mode=brotli.MODE_TEXT, quality=_BROTLI_QUALITY))


def _gzip(body: bytes) -> bytes:
    return zlib.compress(body, level=_GZIP_LEVEL, wbits=_GZIP_WINDOW_BITS)


#: In the server's order of preference for dynamic content: fastest for its size first.
CODINGS: dict[str, Compress] = {"zstd": _zstd, "br": _brotli, "gzip": _gzip}
