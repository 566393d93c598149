"""Which headers go on to the next hop, as pure functions. RFC 9110, section 7.6.1."""

from collections.abc import Mapping

from aiohttp import hdrs
from multidict import CIMultiDict, CIMultiDictProxy

#: Meant for one connection only, together with whatever `Connection` names.
HOP_BY_HOP = frozenset(
    name.lower()
    for name in (
        "Connection",
        "Keep-Alive",
        "Proxy-Authenticate",
        "Proxy-Authorization",
        "Proxy-Connection",
        "TE",
        "Trailer",
        "Transfer-Encoding",
        "Upgrade",
    )
)

Headers = CIMultiDict[str] | CIMultiDictProxy[str]


def end_to_end(headers: Headers) -> CIMultiDict[str]:
    """All but the hop-by-hop ones, repeated ones kept in order."""
    named = ",".join(headers.getall(hdrs.CONNECTION, [])).split(",")
    dropped = HOP_BY_HOP | {name.strip().lower() for name in named}
    if hdrs.TRANSFER_ENCODING in headers:
        # The chunks say how long the body is; a length beside them may lie. RFC 9112, section 6.3.
        dropped |= {"content-length"}
    return CIMultiDict(
        (name, value) for name, value in headers.items() if name.lower() not in dropped
    )


def towards_upstream(headers: Headers, peer: str, scheme: str, request_id: str) -> CIMultiDict[str]:
    """A request's headers: who asked, by which name, under which id.

    `X-Forwarded-For` is appended to, so its last entry is the only one that this hop vouches for.
    """
    forwarded = end_to_end(headers)
    before = forwarded.getall("X-Forwarded-For", [])
    forwarded["X-Forwarded-For"] = ", ".join([*before, peer])
    forwarded["X-Forwarded-Proto"] = scheme
    forwarded["X-Request-ID"] = request_id
    if hdrs.HOST in forwarded:
        forwarded["X-Forwarded-Host"] = forwarded.pop(hdrs.HOST)
    # The gateway has told the client to continue already.
    forwarded.popall(hdrs.EXPECT, None)
    return forwarded


def has_body(headers: Mapping[str, str]) -> bool:
    return headers.get(hdrs.CONTENT_LENGTH, "0") != "0" or hdrs.TRANSFER_ENCODING in headers
