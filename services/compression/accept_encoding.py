"""Which content coding to send, from an Accept-Encoding header: RFC 9110, section 12.5.3."""

from collections.abc import Mapping, Sequence

IDENTITY = "identity"


class NotAcceptable(ValueError):
    """The client refuses every coding that the server could send, identity included."""


def weights(header: str) -> dict[str, float]:
    """Quality values by coding in lower case; what cannot be parsed is passed over."""
    found: dict[str, float] = {}
    for element in header.split(","):
        coding, *parameters = (part.strip().lower() for part in element.split(";"))
        quality = _quality(parameters)
        if coding and quality is not None:
            found["gzip" if coding == "x-gzip" else coding] = quality
    return found


def choose(header: str | None, preferred: Sequence[str]) -> str:
    """The coding with the client's highest quality; among equals, the earliest in `preferred`.

    No header leaves the choice to the server, which then sends identity: whoever does not ask for
    compression may not be able to undo it. Raises NotAcceptable.
    """
    if header is None:
        return IDENTITY
    asked = weights(header)
    offered = [(_quality_of(coding, asked), coding) for coding in preferred]
    acceptable = [pair for pair in offered if pair[0] > 0]
    if acceptable:
        quality, coding = max(acceptable, key=lambda pair: pair[0])
        if quality >= asked.get(IDENTITY, 0):
            return coding
    if not accepts_identity(header):
        raise NotAcceptable(header)
    return IDENTITY


def accepts_identity(header: str | None) -> bool:
    return header is None or _quality_of(IDENTITY, weights(header)) > 0


def _quality_of(coding: str, asked: Mapping[str, float]) -> float:
    # Identity needs no mention: it is acceptable unless it is ruled out, by name or by "*;q=0".
    unmentioned = asked.get("*", 1.0 if coding == IDENTITY else 0.0)
    return asked.get(coding, unmentioned)


def _quality(parameters: Sequence[str]) -> float | None:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                quality = float(value)
            except ValueError:
                return None
            return quality if 0 <= quality <= 1 else None
    return 1.0
