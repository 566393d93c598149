"""Text to encode, and a decoder for each coding from the library that a client would use."""

import zlib
from collections.abc import Callable
from random import Random

import brotli
import zstandard

from services.dataset.text import sentence

DECODERS: dict[str, Callable[[bytes], bytes]] = {
    "zstd": lambda body: zstandard.ZstdDecompressor().decompressobj().decompress(body),
    "br": brotli.decompress,
    "gzip": lambda body: zlib.decompress(body, 16 + zlib.MAX_WBITS),
    "deflate": zlib.decompress,
    "identity": lambda body: body,
}


def prose(sentences: int) -> bytes:
    random = Random(sentences)
    return " ".join(sentence(random) for _ in range(sentences)).encode()


#: Create a decoder that returns all text that can be decoded from the pieces so far.
PIECE_DECODERS: dict[str, Callable[[], Callable[[bytes], bytes]]] = {
    "zstd": lambda: zstandard.ZstdDecompressor().decompressobj().decompress,
    "br": lambda: brotli.Decompressor().process,
    "gzip": lambda: zlib.decompressobj(16 + zlib.MAX_WBITS).decompress,
    "deflate": lambda: zlib.decompressobj().decompress,
    "identity": lambda: lambda piece: piece,
}
