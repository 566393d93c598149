"""Files that are encoded once, at levels that are too slow for responses.

`codings` holds the levels, `static_route` sends the files.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from services.compression.accept_encoding import IDENTITY, AcceptEncoding
from services.compression.body_encoder import MINIMUM_BYTES, is_compressible
from services.compression.codings import CODINGS, FILE_CODINGS
from services.compression.response_headers import entity_tag

#: A table of our own and not the system's, so that a file has the same type on every machine.
_CONTENT_TYPES = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
}


@dataclass(frozen=True, slots=True)
class PrecompressedFile:
    """A file in all its codings. `bodies` includes identity, and `tag` is its strong tag."""

    content_type: str
    tag: str
    bodies: Mapping[str, bytes]

    @property
    def offered(self) -> tuple[str, ...]:
        """The codings besides identity, in the server's order of preference."""
        return tuple(coding for coding in self.bodies if coding != IDENTITY)

    def choose(self, accepted: AcceptEncoding) -> str | None:
        """Return the coding to send, or None if the client refuses all of them."""
        return accepted.choose(self.offered)


def load_folder(folder: Path) -> dict[str, PrecompressedFile]:
    """Encode the files of a folder, by name. Takes long: call it at the start.

    Names from requests are looked up in this dictionary and never in the file system, so no name
    can lead out of the folder. Subfolders and names that begin with a dot are skipped.
    """
    return {
        path.name: precompress(path.read_bytes(), _content_type(path))
        for path in sorted(folder.iterdir())
        if path.is_file() and not path.name.startswith(".")
    }


def precompress(body: bytes, content_type: str) -> PrecompressedFile:
    """Encode the body in every coding that makes it smaller."""
    bodies: dict[str, bytes] = {}
    if len(body) >= MINIMUM_BYTES and is_compressible(content_type):
        encoded = {coding: CODINGS[coding].encode_file(body) for coding in FILE_CODINGS}
        bodies = {coding: each for coding, each in encoded.items() if len(each) < len(body)}
    return PrecompressedFile(content_type, entity_tag(body), {**bodies, IDENTITY: body})


def _content_type(path: Path) -> str:
    return _CONTENT_TYPES.get(path.suffix.lower(), "application/octet-stream")
