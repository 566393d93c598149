"""The headers that a proxy forwards, as pure functions. Source: RFC 9110, section 7.6.1."""

from collections.abc import Mapping

from aiohttp import hdrs
from multidict import CIMultiDict, CIMultiDictProxy

#: Headers for one connection only. `Connection` may name further ones.
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
    """All headers except the hop-by-hop ones. Repeated headers keep their order."""
    named = ",".join(headers.getall(hdrs.CONNECTION, [])).split(",")
    dropped = HOP_BY_HOP | {name.strip().lower() for name in named}
    if hdrs.TRANSFER_ENCODING in headers:
        # Chunks define the length of the body. A Content-Length beside them may be wrong and must
        # not be forwarded: RFC 9112, section 6.3.
        dropped |= {"content-length"}
    return CIMultiDict(
        (name, value) for name, value in headers.items() if name.lower() not in dropped
    )


def upstream_headers(headers: Headers, peer: str, scheme: str, request_id: str) -> CIMultiDict[str]:
    """The headers of a forwarded request, with the client's address, scheme, host and request id.

    `peer` is the client's address. It is appended to `X-Forwarded-For`; the client may have forged
    the entries before it.
    """
    forwarded = end_to_end(headers)
    earlier_hops = forwarded.getall("X-Forwarded-For", [])
    forwarded["X-Forwarded-For"] = ", ".join([*earlier_hops, peer])
    forwarded["X-Forwarded-Proto"] = scheme
    forwarded["X-Request-ID"] = request_id
    if hdrs.HOST in forwarded:
        forwarded["X-Forwarded-Host"] = forwarded.pop(hdrs.HOST)
    # aiohttp has already sent "100 Continue" to the client.
    forwarded.popall(hdrs.EXPECT, None)
    return forwarded


def has_body(headers: Mapping[str, str]) -> bool:
    """Whether the headers announce a body: by a length other than 0, or by chunks."""
    return headers.get(hdrs.CONTENT_LENGTH, "0") != "0" or hdrs.TRANSFER_ENCODING in headers
