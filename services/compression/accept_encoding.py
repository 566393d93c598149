"""What a client says of content codings: the Accept-Encoding header of RFC 9110, section 12.5.3."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

IDENTITY: Final = "identity"

#: RFC 9110, sections 5.6.2 and 12.4.2: a coding and, if any, its weight of up to three decimals.
_ELEMENT = re.compile(
    r"([!#$%&'*+.^_`|~0-9a-z-]+)(?:[ \t]*;[ \t]*q=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?))?"
)
#: Section 8.4.1.3: to be taken for gzip.
_ALIASES = {"x-gzip": "gzip"}
#: Below every weight that can be written, above a refusal: identity is acceptable unmentioned, and
#: whoever names another coding would rather have that.
_UNMENTIONED_IDENTITY = 0.5
#: So many headers are remembered: browsers send a handful between them, and who sends others on
#: purpose pushes out what is cheap to make again. Longer ones are parsed each time.
_REMEMBERED = 256
_REMEMBERED_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class AcceptEncoding:
    """Weights in thousandths by coding in lower case, `*` among them.

    `None` where there was no header: then everything is acceptable, and nothing was asked for.
    """

    weights: Mapping[str, int] | None

    def weight(self, coding: str) -> float:
        """0 to 1000; 0 is a refusal. `*` speaks for every coding that is not named."""
        if self.weights is None:
            return 1000
        unmentioned = _UNMENTIONED_IDENTITY if coding == IDENTITY else 0
        return self.weights.get(coding, self.weights.get("*", unmentioned))

    def accepts(self, coding: str) -> bool:
        return self.weight(coding) > 0


def parse(lines: Sequence[str]) -> AcceptEncoding:
    """Of the header's field lines: several mean the same as one with commas between them.

    An empty header names nothing and leaves identity. An element that is not well formed is passed
    over as if it were not there, so that it never makes a coding acceptable.
    """
    if not lines:
        return AcceptEncoding(None)
    header = ",".join(lines)
    return _parsed(header) if len(header) > _REMEMBERED_CHARACTERS else _remembered(header)


def _parsed(header: str) -> AcceptEncoding:
    weights: dict[str, int] = {}
    for element in header.lower().split(","):
        found = _ELEMENT.fullmatch(element.strip(" \t"))
        if found:
            coding = _ALIASES.get(found[1], found[1])
            # A coding named twice has the lower weight: never is sent what one of them refuses.
            weights[coding] = min(_thousandths(found[2]), weights.get(coding, 1000))
    return AcceptEncoding(weights)


_remembered = lru_cache(_REMEMBERED)(_parsed)


def _thousandths(weight: str | None) -> int:
    # By its digits: no weight is rounded.
    return 1000 if weight is None else int(weight.replace(".", "").ljust(4, "0"))
