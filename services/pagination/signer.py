"""Tokens that only their maker can make: payload and signature, as one text for a URL.

HMAC-SHA256 (RFC 2104), cut to its first 128 bits as section 5 there allows: half of the hash, and
too many to guess. The payload is not encrypted: it holds nothing that the page does not show.
"""

import binascii
import hmac
from base64 import b64decode, urlsafe_b64encode

_SIGNATURE_BYTES = 16
#: Raise it with the layout of what is signed: tokens of an older release are then refused, not
#: misread. It also keeps these signatures apart from any others that one key may serve.
_PURPOSE = b"pagination cursor 1"


class Signer:
    """Signs with one secret key of any length, and knows its own signatures again."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def sign(self, payload: bytes, context: bytes) -> str:
        """A token of A-Z a-z 0-9 - _ that is good for this context alone."""
        signed = payload + self._signature(payload, context)
        return urlsafe_b64encode(signed).decode("ascii").rstrip("=")

    def verify(self, token: str, context: bytes) -> bytes:
        """The payload. Raises ValueError when the token was not signed for this context."""
        signed = _decoded(token)
        payload, signature = signed[:-_SIGNATURE_BYTES], signed[-_SIGNATURE_BYTES:]
        # Not ==, which stops at the first wrong byte, and so tells by its time how many are right.
        if not hmac.compare_digest(signature, self._signature(payload, context)):
            raise ValueError("not signed for this context")
        return payload

    def _signature(self, payload: bytes, context: bytes) -> bytes:
        # With its length ahead, no end of a context can pass for the beginning of a payload.
        message = b"%b %d %b%b" % (_PURPOSE, len(context), context, payload)
        return hmac.digest(self._key, message, "sha256")[:_SIGNATURE_BYTES]


def _decoded(token: str) -> bytes:
    try:
        signed = b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError("not base64url") from error
    # The last character may carry bits that decoding drops: one token must have one spelling.
    if urlsafe_b64encode(signed).decode("ascii").rstrip("=") != token:
        raise ValueError("not the one spelling of its bytes")
    return signed
