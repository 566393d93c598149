"""Bodies as the client of a service understands them: coding undone, JSON read."""

import zlib
from collections.abc import Callable

import brotli
import orjson
import zstandard

from loadgen.sending.connection import Response

_GZIP_WINDOW_BITS = 16 + zlib.MAX_WBITS

_DECODERS: dict[str, Callable[[bytes], bytes]] = {
    "": lambda body: body,
    "identity": lambda body: body,
    "gzip": lambda body: zlib.decompress(body, _GZIP_WINDOW_BITS),
    "deflate": zlib.decompress,  # RFC 1950: zlib's format
    "br": lambda body: bytes(brotli.decompress(body)),
    "zstd": lambda body: zstandard.ZstdDecompressor().decompressobj().decompress(body),
}


class Undecodable(Exception):
    """A body that cannot be compared."""


def body_of(response: Response) -> bytes:
    """The body without its coding. Raises Undecodable."""
    decode = _DECODERS.get(response.content_encoding)
    if decode is None:
        raise Undecodable(f"unknown Content-Encoding {response.content_encoding!r}")
    try:
        return decode(response.body)
    except (zlib.error, brotli.error, zstandard.ZstdError) as error:
        raise Undecodable(f"no {response.content_encoding}: {error}") from error


def document_of(response: Response) -> object:
    """The JSON document. Raises Undecodable."""
    try:
        return orjson.loads(body_of(response))
    except orjson.JSONDecodeError as error:
        raise Undecodable(f"status {response.status}, no JSON: {error}") from error
