"""Decode response bodies: undo the content coding, parse JSON."""

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
    "deflate": zlib.decompress,  # RFC 9110: deflate in the zlib format of RFC 1950
    "br": lambda body: bytes(brotli.decompress(body)),
    "zstd": lambda body: zstandard.ZstdDecompressor().decompressobj().decompress(body),
}


class Undecodable(Exception):
    """The body is not what its headers say, so responses cannot be compared."""


def body_of(response: Response) -> bytes:
    """The body without its content coding. Raises Undecodable."""
    decode = _DECODERS.get(response.content_encoding)
    if decode is None:
        raise Undecodable(
            f"Content-Encoding {response.content_encoding!r} is not supported:"
            f" only {', '.join(filter(None, _DECODERS))}"
        )
    try:
        return decode(response.body)
    except (zlib.error, brotli.error, zstandard.ZstdError) as error:
        raise Undecodable(f"the body is not {response.content_encoding}: {error}") from error


def document_of(response: Response) -> object:
    """The parsed JSON body. Raises Undecodable."""
    try:
        return orjson.loads(body_of(response))
    except orjson.JSONDecodeError as error:
        raise Undecodable(
            f"the body of the response with status {response.status} is not JSON: {error}"
        ) from error
