"""Headers that keep caches from mixing up codings: entity tags and Vary. RFC 9110.

A strong entity tag identifies the exact bytes that were sent (section 8.8.3), so each coding of a
body has a different tag. With the same tag for all, a cache could combine parts of two codings, or
send one client the coding of another.
"""

from collections.abc import Iterable, Sequence
from hashlib import blake2b

from services.compression.accept_encoding import IDENTITY

_WEAK = "W/"
_DIGEST_BYTES = 12


def entity_tag(body: bytes) -> str:
    """Return the strong tag of an unencoded body, with its quotes."""
    return f'"{blake2b(body, digest_size=_DIGEST_BYTES).hexdigest()}"'


def tag_of_coding(tag: str, coding: str) -> str:
    """Return the tag of the same body in a coding.

    A weak tag stays the same: it identifies the meaning and not the bytes.
    """
    return tag if coding == IDENTITY or tag.startswith(_WEAK) else f'{tag[:-1]}-{coding}"'


def is_among(tag: str, opaque_tags: Iterable[str]) -> bool:
    """Whether the tag is in the list, by the weak comparison of section 8.8.3.2.

    `opaque_tags` are without `W/` and quotes.
    """
    return tag.removeprefix(_WEAK).strip('"') in opaque_tags


def extended_vary(lines: Sequence[str], field: str) -> str:
    """Return the Vary header with one more field name. Section 12.5.5.

    Overwriting the header would let a cache mix up responses that differ by another field. `*`
    stays alone, since it covers every field. Names are compared without regard to case.
    """
    names = [name.strip() for line in lines for name in line.split(",") if name.strip()]
    if "*" in names:
        return "*"
    if field.lower() not in (name.lower() for name in names):
        names.append(field)
    return ", ".join(names)
