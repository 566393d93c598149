"""A cache entry: the cached bytes with their metadata, and its binary format in Redis."""

import struct
from hashlib import blake2b
from typing import NamedTuple, Self

#: Format number, whether there is a body, epoch, expires_at, load_seconds, digest.
_HEADER = struct.Struct(">B?Qdd16s")
_FORMAT = 1
_DIGEST_BYTES = 16


class Entry(NamedTuple):  # each hit creates one, and a frozen dataclass takes four times as long
    """A cached value with its metadata.

    - body: The cached bytes, or None if the source has no such item.
    - expires_at: Unix time in seconds. Readers from then on start a refresh.
    - load_seconds: The duration of the load.
    - digest: A hash of the body, stored so that readers need not compute it.
    """

    body: bytes | None
    epoch: int
    expires_at: float
    load_seconds: float
    digest: bytes

    @classmethod
    def of(cls, body: bytes | None, epoch: int, expires_at: float, load_seconds: float) -> Self:
        """Create an entry and compute its digest."""
        digest = blake2b(body or b"", digest_size=_DIGEST_BYTES).digest()
        return cls(body, epoch, expires_at, load_seconds, digest)

    def pack(self) -> bytes:
        exists = self.body is not None
        header = (_FORMAT, exists, self.epoch, self.expires_at, self.load_seconds, self.digest)
        return _HEADER.pack(*header) + (self.body or b"")

    @classmethod
    def unpack(cls, stored: bytes) -> Self | None:
        """Decode stored bytes. Returns None for another format, which counts as a miss."""
        if len(stored) < _HEADER.size or stored[0] != _FORMAT:
            return None
        _, exists, epoch, expires_at, load_seconds, digest = _HEADER.unpack_from(stored)
        body = stored[_HEADER.size :] if exists else None
        return cls(body, epoch, expires_at, load_seconds, digest)
