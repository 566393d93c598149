"""The best coding that the client accepts, where it makes the body smaller."""

from collections.abc import Callable
from http import HTTPStatus

from aiohttp import hdrs, web

from services.chassis.errors import Problem
from services.chassis.parameters import PARAMETERS
from services.chassis.request_context import VARIANT
from services.compression import accept_encoding, entity_tag, vary
from services.compression.accept_encoding import IDENTITY, AcceptEncoding
from services.compression.encoder import Encoded, Encoder
from services.compression.negotiation import NotAcceptable
from services.compression.payload import payload

#: By variant: those that are named after a coding offer it alone.
ENCODERS = web.AppKey("encoders", dict[str, Encoder])


class CodingNotAcceptable(Problem):
    status = HTTPStatus.NOT_ACCEPTABLE

    def __init__(self, refusal: NotAcceptable) -> None:
        super().__init__(str(refusal))
        self.headers[hdrs.VARY] = hdrs.ACCEPT_ENCODING


async def optimized(request: web.Request) -> web.Response:
    response = web.Response(body=payload(request), content_type="application/json")
    encoder = request.app[ENCODERS][VARIANT.get()]
    await compress(request, response, encoder, request[PARAMETERS].integer("level"))
    return response


async def compress(
    request: web.Request, response: web.Response, encoder: Encoder, level: int = 0
) -> None:
    """Give a finished answer of status 200 its coding, its entity tag and its Vary.

    It becomes an empty 304 where the client has these very bytes. Raises CodingNotAcceptable.
    """
    body = response.body
    assert isinstance(body, bytes)  # noqa: S101 - what is streamed is for `streamed`
    accepted = accepted_by(request)
    encoded_already = hdrs.CONTENT_ENCODING in response.headers
    coding = chosen(
        lambda: encoder.choose(accepted, len(body), response.content_type, encoded_already)
    )
    add_vary(response)
    tag = response.headers.get(hdrs.ETAG) or entity_tag.of_body(body)
    # Asked before encoding: for who has the answer already, the tag is all the work.
    if is_unmodified(request, response, entity_tag.of_coding(tag, coding)):
        return
    encoded = await encoder.encode(body, coding, accepted, level)
    # It may have stayed as it was, and be what the client has.
    if is_unmodified(request, response, entity_tag.of_coding(tag, encoded.coding)):
        return
    put(response, encoded)


def chosen(choose: Callable[[], str]) -> str:
    """The coding that is chosen. Raises CodingNotAcceptable where none is."""
    try:
        return choose()
    except NotAcceptable as refusal:
        raise CodingNotAcceptable(refusal) from None


def put(response: web.Response, encoded: Encoded) -> None:
    """Let the answer carry the encoded body."""
    if encoded.coding != IDENTITY:
        response.headers[hdrs.CONTENT_ENCODING] = encoded.coding
        response.body = encoded.body


def is_unmodified(request: web.Request, response: web.Response, tag: str) -> bool:
    """Give the answer its tag; where the request says that the client has it, make it a 304."""
    response.headers[hdrs.ETAG] = tag
    has = ",".join(request.headers.getall(hdrs.IF_NONE_MATCH, []))
    if not entity_tag.is_among(tag, has):
        return False
    response.set_status(HTTPStatus.NOT_MODIFIED)
    response.body = None
    for name in (hdrs.CONTENT_TYPE, hdrs.CONTENT_ENCODING):
        response.headers.popall(name, None)
    return True


def accepted_by(request: web.Request) -> AcceptEncoding:
    return accept_encoding.parse(request.headers.getall(hdrs.ACCEPT_ENCODING, []))


def add_vary(response: web.StreamResponse) -> None:
    """Of every answer whose coding was chosen, those that were left as they are among them."""
    lines = response.headers.getall(hdrs.VARY, [])
    response.headers[hdrs.VARY] = vary.merged(lines, hdrs.ACCEPT_ENCODING)
