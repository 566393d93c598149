"""Shared by the handlers of all codings: the 406 response, 304 for known entity tags, headers."""

from collections.abc import Sequence
from http import HTTPStatus

from aiohttp import hdrs, web

from services.chassis.errors import Problem
from services.compression.accept_encoding import IDENTITY, AcceptEncoding, parse_accept_encoding
from services.compression.body_encoder import EncodedBody
from services.compression.response_headers import extended_vary, is_among


class CodingNotAcceptable(Problem):
    """The client refuses all offered codings and identity."""

    status = HTTPStatus.NOT_ACCEPTABLE

    def __init__(self, offered: Sequence[str]) -> None:
        codings = ", ".join((*offered, IDENTITY))
        super().__init__(f"Accept-Encoding refuses all offered codings; accept one of {codings}")
        self.headers[hdrs.VARY] = hdrs.ACCEPT_ENCODING


def accepted_encoding(request: web.Request) -> AcceptEncoding:
    return parse_accept_encoding(request.headers.getall(hdrs.ACCEPT_ENCODING, ()))


def acceptable_coding(coding: str | None, offered: Sequence[str]) -> str:
    """Return the chosen coding. Raises CodingNotAcceptable if it is None."""
    if coding is None:
        raise CodingNotAcceptable(offered)
    return coding


def add_vary(response: web.StreamResponse) -> None:
    """Add Accept-Encoding to Vary. Call this for unencoded responses too: they were negotiated."""
    lines = response.headers.getall(hdrs.VARY, ())
    response.headers[hdrs.VARY] = extended_vary(lines, hdrs.ACCEPT_ENCODING)


def set_body(response: web.Response, encoded: EncodedBody) -> None:
    """Replace the unencoded body of the response and set Content-Encoding."""
    if encoded.coding != IDENTITY:
        response.headers[hdrs.CONTENT_ENCODING] = encoded.coding
        response.body = encoded.body


def answer_304_if_known(request: web.Request, response: web.Response, tag: str) -> bool:
    """Set the entity tag. If the client has it already, make the response an empty 304.

    Returns whether it is a 304 now.
    """
    response.headers[hdrs.ETAG] = tag
    if not _has_tag(request, tag):
        return False
    response.set_status(HTTPStatus.NOT_MODIFIED)
    response.body = None
    for name in (hdrs.CONTENT_TYPE, hdrs.CONTENT_ENCODING):
        response.headers.popall(name, None)
    return True


def _has_tag(request: web.Request, tag: str) -> bool:
    """Whether If-None-Match lists the tag, by the weak comparison of RFC 9110, section 13.1.2."""
    lines = request.headers.getall(hdrs.IF_NONE_MATCH, ())
    if tuple(lines) == ("*",):  # compared here: aiohttp parses a quoted "*" to the same value
        return True
    if len(lines) > 1:  # joined here: aiohttp reads only the first line
        request = request.clone(headers={hdrs.IF_NONE_MATCH: ", ".join(lines)})
    return is_among(tag, [each.value for each in request.if_none_match or ()])
