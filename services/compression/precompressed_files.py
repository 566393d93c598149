"""Files encoded before anybody asks for them, at the level that is too slow for anything else."""

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import brotli
import zstandard

from services.compression import entity_tag
from services.compression.accept_encoding import IDENTITY, AcceptEncoding
from services.compression.encoder import MINIMUM_BYTES, is_compressible
from services.compression.negotiation import choose

#: In the server's preference for files: smallest first, however long it took. zstd stops at 19:
#: above, its window may exceed the 8 MiB that RFC 9659 allows for HTTP.
_BEST: Mapping[str, Callable[[bytes], bytes]] = MappingProxyType(
    {
        "br": lambda body: bytes(brotli.compress(body, mode=brotli.MODE_TEXT, quality=11)),
        "zstd": lambda body: bytes(zstandard.ZstdCompressor(level=19).compress(body)),
        "gzip": lambda body: zlib.compress(body, level=9, wbits=16 + zlib.MAX_WBITS),
    }
)

#: Not from the system's tables: the same file has the same type on every machine.
_CONTENT_TYPES = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
}


@dataclass(frozen=True, slots=True)
class StaticFile:
    """`bodies` by coding, identity among them; `tag` is the strong one of identity."""

    content_type: str
    tag: str
    bodies: Mapping[str, bytes]

    def choose(self, accepted: AcceptEncoding) -> str:
        """Raises NotAcceptable."""
        return choose(accepted, tuple(coding for coding in self.bodies if coding != IDENTITY))


def load(folder: Path) -> dict[str, StaticFile]:
    """By name, the files of a folder, encoded: for a build or a start, not for a request.

    What a request names is looked up here and never in the file system, so that no name, however
    it is written, leads out of the folder. Folders in it are passed over, and so are names that
    begin with a dot.
    """
    return {
        path.name: prepared(path.read_bytes(), _type_of(path))
        for path in sorted(folder.iterdir())
        if path.is_file() and not path.name.startswith(".")
    }


def prepared(body: bytes, content_type: str) -> StaticFile:
    """The body in every coding that makes it smaller."""
    bodies: dict[str, bytes] = {}
    if len(body) >= MINIMUM_BYTES and is_compressible(content_type):
        encoded = {coding: encode(body) for coding, encode in _BEST.items()}
        bodies = {coding: each for coding, each in encoded.items() if len(each) < len(body)}
    return StaticFile(content_type, entity_tag.of_body(body), {**bodies, IDENTITY: body})


def _type_of(path: Path) -> str:
    return _CONTENT_TYPES.get(path.suffix.lower(), "application/octet-stream")
