"""Signed tokens: a payload and its signature as one text for a URL.

The signature is HMAC-SHA256 (RFC 2104), truncated to 128 bits: section 5 allows half of the hash.
The payload is signed, not encrypted. A client can read it, so it must contain nothing secret.
"""

import binascii
import hmac
from base64 import b64decode, urlsafe_b64encode

_SIGNATURE_BYTES = 16
#: Increase the number when the layout of the signed text changes. Tokens of older releases are
#: then refused and not misread. The text also separates these signatures from other uses of a key.
_PURPOSE = b"pagination cursor 1"


class Signer:
    """Signs and verifies with one secret key of any length."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def sign(self, payload: bytes, context: bytes) -> str:
        """A token of A-Z a-z 0-9 - _ that is valid only for this context."""
        signed = payload + self._signature(payload, context)
        return _encode_base64url(signed)

    def verify(self, token: str, context: bytes) -> bytes:
        """The payload. Raises ValueError if the token was not signed for this context."""
        signed = _decode_base64url(token)
        payload, signature = signed[:-_SIGNATURE_BYTES], signed[-_SIGNATURE_BYTES:]
        # == stops at the first wrong byte, and its duration would reveal how many bytes are right.
        if not hmac.compare_digest(signature, self._signature(payload, context)):
            raise ValueError("not signed for this context")
        return payload

    def _signature(self, payload: bytes, context: bytes) -> bytes:
        # The length keeps the end of a context from being read as the beginning of a payload.
        message = b"%b %d %b%b" % (_PURPOSE, len(context), context, payload)
        return hmac.digest(self._key, message, "sha256")[:_SIGNATURE_BYTES]


def _encode_base64url(signed: bytes) -> str:
    return urlsafe_b64encode(signed).decode("ascii").rstrip("=")


def _decode_base64url(token: str) -> bytes:
    try:
        signed = b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError("not base64url") from error
    # Decoding ignores the unused bits of the last character. Only one spelling may be valid.
    if _encode_base64url(signed) != token:
        raise ValueError("not the canonical base64url form")
    return signed
