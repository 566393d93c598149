"""Which coding to send, of those that the client accepts and the server has."""

from collections.abc import Sequence

from services.compression.accept_encoding import IDENTITY, AcceptEncoding


class NotAcceptable(ValueError):
    """The client refuses every coding that the server could send, identity included."""


def choose(accepted: AcceptEncoding, offered: Sequence[str]) -> str:
    """The coding with the client's highest weight; among equals the earliest of `offered`.

    Identity is always on offer, as the last. No header leaves the choice to the server, which sends
    identity: whoever does not ask for compression may not be able to undo it. Raises NotAcceptable.
    """
    if accepted.weights is None:
        return IDENTITY
    # Of equals, max() returns the first.
    best = max((*offered, IDENTITY), key=accepted.weight)
    if not accepted.accepts(best):
        raise NotAcceptable(f"Accept-Encoding refuses all of {', '.join((*offered, IDENTITY))}")
    return best
