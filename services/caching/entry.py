"""A cached value with what a reader must know to judge it, as the bytes that Redis keeps."""

import struct
from hashlib import blake2b
from typing import NamedTuple, Self

#: Format, whether there is a body, epoch, soft expiry, seconds of the load, hash.
_HEADER = struct.Struct(">B?Qdd16s")
_FORMAT = 1
_HASH_BYTES = 16


class Entry(NamedTuple):  # a frozen dataclass takes four times as long to make, once for each hit
    """`body` is None where the source has no such thing. `expires` is in seconds of the Unix time:
    from then on the value is refreshed. `seconds` is what loading it took. `digest` is a hash of
    the body, kept so that it is computed once and not for each reader.
    """

    body: bytes | None
    epoch: int
    expires: float
    seconds: float
    digest: bytes

    @classmethod
    def of(cls, body: bytes | None, epoch: int, expires: float, seconds: float) -> Self:
        digest = blake2b(body or b"", digest_size=_HASH_BYTES).digest()
        return cls(body, epoch, expires, seconds, digest)

    def pack(self) -> bytes:
        exists = self.body is not None
        header = (_FORMAT, exists, self.epoch, self.expires, self.seconds, self.digest)
        return _HEADER.pack(*header) + (self.body or b"")

    @classmethod
    def unpack(cls, stored: bytes) -> Self | None:
        """None for bytes of another format: they are a miss."""
        if len(stored) < _HEADER.size or stored[0] != _FORMAT:
            return None
        _, exists, epoch, expires, seconds, digest = _HEADER.unpack_from(stored)
        body = stored[_HEADER.size :] if exists else None
        return cls(body, epoch, expires, seconds, digest)
