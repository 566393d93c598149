"""Entity tags that tell codings apart. RFC 9110, section 8.8.3.

A strong tag stands for the very bytes that were sent, so each coding of a body has one of its own.
With one tag for all of them a cache could put parts of two codings together, or hand one client the
coding of another.
"""

import re
from hashlib import blake2b

from services.compression.accept_encoding import IDENTITY

_DIGEST_BYTES = 12
_TAG = re.compile(r'(?:W/)?("[\x21\x23-\x7e\x80-\xff]*")')


def of_body(body: bytes) -> str:
    """The strong tag of a body as it is, quotes included: the same bytes have the same."""
    return f'"{blake2b(body, digest_size=_DIGEST_BYTES).hexdigest()}"'


def of_coding(tag: str, coding: str) -> str:
    """The tag of the same body in a coding. A weak one stays: it stands for the meaning alone."""
    return tag if coding == IDENTITY or tag.startswith("W/") else f'{tag[:-1]}-{coding}"'


def is_among(tag: str, if_none_match: str) -> bool:
    """Whether an If-None-Match header names the tag; by weak comparison, section 13.1.2.

    `*` names any. What is not well formed names nothing.
    """
    return if_none_match.strip() == "*" or tag.removeprefix("W/") in _TAG.findall(if_none_match)
