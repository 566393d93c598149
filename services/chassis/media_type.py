"""Chooses the media type of a response by the Accept header: RFC 9110, section 12.5.1.

The gateway chooses between HTML and JSON, the JSON service between JSON and MessagePack.

This parser takes linear time for any header and skips only the elements that are malformed.
Existing libraries fall short: python-mimeparse splits quoted commas, WebOb discards the whole
header for one malformed element, and Werkzeug needs quadratic time for a long run of spaces.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

#: Elements that end after this many characters are ignored. Browsers send about 200 characters.
MAXIMUM_CHARACTERS = 8 * 1024

# The quantifiers are possessive, and a quote that is never closed extends to the end. Without both
# a header of many quotes would be scanned again from each of them, in quadratic time.
_QUOTED = r'"(?:[^"\\]|\\.)*+"?'
_ELEMENT = re.compile(rf'(?:[^,"]|{_QUOTED})++', re.DOTALL)
_PART = re.compile(rf'(?:[^;"]|{_QUOTED})++', re.DOTALL)
_QUOTED_STRING = re.compile(r'"(.*)"', re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_TYPE = re.compile(r"([!#$%&'*+.^_`|~0-9a-z-]+)/([!#$%&'*+.^_`|~0-9a-z-]+)")
_QUALITY = re.compile(r"0?\.[0-9]+|0\.?|1(?:\.0*)?")


@dataclass(frozen=True, slots=True)
class MediaRange:
    """One element of an Accept header. `quality` is 0 to 1 and not among the `parameters`."""

    type: str
    subtype: str
    parameters: frozenset[tuple[str, str]]
    quality: float

    def matches(self, offer: "MediaRange") -> bool:
        """Whether the range covers the offer. Parameters such as charset are ignored."""
        return self.type in ("*", offer.type) and self.subtype in ("*", offer.subtype)

    def specificity(self, offer: "MediaRange") -> tuple[int, ...]:
        """Rank of this range for an offer. The matching range of the highest rank decides."""
        shared = self.parameters & offer.parameters
        return self.type == offer.type, self.subtype == offer.subtype, len(shared)


def best_media_type(lines: Sequence[str], offered: tuple[str, ...]) -> str | None:
    """Return the offered type of the highest quality, or None if the client accepts none.

    `lines` are the values of all Accept lines; several mean the same as one joined by commas. The
    most specific range that matches an offer decides its quality, in any order of the ranges. Of
    equal qualities the offer with the more specific range wins, then the earlier offer. No header
    or an empty one accepts everything. A malformed element is ignored, and a malformed quality
    counts as 1.
    """
    header = ",".join(lines)
    if not header.strip():
        return offered[0]
    return _best_media_type(_shortened(header), offered)


def _shortened(header: str) -> str:
    if len(header) <= MAXIMUM_CHARACTERS:
        return header
    return header[: MAXIMUM_CHARACTERS + 1].rpartition(",")[0]


@lru_cache(256)  # clients send few different headers, and parsing takes longer than small responses
def _best_media_type(header: str, offered: tuple[str, ...]) -> str | None:
    # The offers have no parameters. Of equally specific ranges, the one with the fewest parameters
    # counts.
    ranges = sorted(_media_ranges(header), key=lambda each: len(each.parameters))
    weights = {offer: _weight(offer, ranges) for offer in offered}
    best = max(offered, key=weights.__getitem__)
    quality, _ = weights[best]
    return best if quality else None


def _weight(offer: str, ranges: Sequence[MediaRange]) -> tuple[float, tuple[int, ...]]:
    """Return quality and specificity of the most specific range that matches the offer."""
    media_type = next(_media_ranges(offer))
    matching = [each for each in ranges if each.matches(media_type)]
    best = max(matching, key=lambda each: each.specificity(media_type), default=None)
    return (0.0, ()) if best is None else (best.quality, best.specificity(media_type))


def _media_ranges(header: str) -> Iterator[MediaRange]:
    # Types and the names of parameters are case-insensitive.
    for element in _ELEMENT.findall(header.lower()):
        full_type, _, rest = element.partition(";")
        # Old Java clients send a single "*".
        found = _TYPE.fullmatch("*/*" if full_type.strip() == "*" else full_type.strip())
        if found:
            parameters = dict(_parameter(part) for part in _PART.findall(rest) if "=" in part)
            quality = _quality(parameters.pop("q", ""))
            yield MediaRange(found[1], found[2], frozenset(parameters.items()), quality)


def _parameter(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return name.strip(), _unquoted(value.strip())


def _unquoted(value: str) -> str:
    quoted = _QUOTED_STRING.fullmatch(value)
    return _ESCAPE.sub(r"\1", quoted[1]) if quoted else value


def _quality(text: str) -> float:
    return float(text) if _QUALITY.fullmatch(text) else 1.0
