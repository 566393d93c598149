"""Bodies as the client of a service understands them: coding undone, JSON read."""

import zlib
from collections.abc import Callable

import brotli
import orjson
import zstandard

from loadgen.connection import Response

_GZIP_WINDOW_BITS = 16 + zlib.MAX_WBITS

_DECODERS: dict[str, Callable[[bytes], bytes]] = {
    "": lambda body: body,
    "identity": lambda body: body,
    "gzip": lambda body: zlib.decompress(body, _GZIP_WINDOW_BITS),
    "br": lambda body: bytes(brotli.decompress(body)),
    "zstd": lambda body: zstandard.ZstdDecompressor().decompressobj().decompress(body),
}


class Undecodable(Exception):
    """A body that cannot be compared."""


def document_of(response: Response) -> object:
    """The JSON document. Raises Undecodable."""
    decode = _DECODERS.get(response.content_encoding)
    if decode is None:
        raise Undecodable(f"unknown Content-Encoding {response.content_encoding!r}")
    try:
        return orjson.loads(decode(response.body))
    except (orjson.JSONDecodeError, zlib.error, brotli.error, zstandard.ZstdError) as error:
        raise Undecodable(f"status {response.status}, no JSON: {error}") from error
