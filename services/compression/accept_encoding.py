"""Reads the Accept-Encoding header and chooses a content coding: RFC 9110, section 12.5.3."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

IDENTITY: Final = "identity"

#: RFC 9110, sections 5.6.2 and 12.4.2: a coding and an optional weight of up to three decimals.
_ELEMENT = re.compile(
    r"([!#$%&'*+.^_`|~0-9a-z-]+)(?:[ \t]*;[ \t]*q=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?))?"
)
#: Section 8.4.1.3: x-gzip is equivalent to gzip.
_ALIASES = {"x-gzip": "gzip"}
#: In thousandths. Lower than any explicit weight, but not zero: an unlisted identity is acceptable,
#: and a client that lists another coding prefers that coding.
_UNLISTED_IDENTITY = 0.5
#: Longer headers are parsed each time. Otherwise clients could fill the memory with them.
_CACHED_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class AcceptEncoding:
    """Weights in thousandths by coding in lower case; `*` is one of the codings.

    `None` if the request had no such header: then every coding is acceptable, and none was asked
    for.
    """

    weights: Mapping[str, int] | None

    def weight(self, coding: str) -> float:
        """Return 0 to 1000; 0 is a refusal. `*` applies to every coding that is not listed."""
        if self.weights is None:
            return 1000
        unlisted = _UNLISTED_IDENTITY if coding == IDENTITY else 0
        return self.weights.get(coding, self.weights.get("*", unlisted))

    def accepts(self, coding: str) -> bool:
        return self.weight(coding) > 0

    def choose(self, offered: Sequence[str]) -> str | None:
        """Return the coding with the highest weight, or None if the client refuses all of them.

        Of equal weights the earlier of `offered` wins. Identity is always offered, as the last.
        Without a header the choice is identity: the client may be unable to decode anything else.
        """
        if self.weights is None:
            return IDENTITY
        best = max((*offered, IDENTITY), key=self.weight)
        return best if self.accepts(best) else None


def parse_accept_encoding(lines: Sequence[str]) -> AcceptEncoding:
    """Parse the values of all Accept-Encoding lines, as if they were joined by commas.

    An empty header lists nothing and leaves identity. A malformed element is ignored, so that it
    never makes a coding acceptable.
    """
    if not lines:
        return AcceptEncoding(None)
    header = ",".join(lines)
    return _cached(header) if len(header) <= _CACHED_CHARACTERS else _parsed(header)


def _parsed(header: str) -> AcceptEncoding:
    weights: dict[str, int] = {}
    for element in header.lower().split(","):
        found = _ELEMENT.fullmatch(element.strip(" \t"))
        if found:
            coding = _ALIASES.get(found[1], found[1])
            # If a coding is listed twice, the lower weight counts, so that a refusal wins.
            weight = _thousandths(found[2])
            weights[coding] = min(weight, weights.get(coding, weight))
    return AcceptEncoding(weights)


#: Browsers send a handful of different headers.
_cached = lru_cache(256)(_parsed)


def _thousandths(weight: str | None) -> int:
    # By its digits, so that no weight is rounded.
    return 1000 if weight is None else int(weight.replace(".", "").ljust(4, "0"))
