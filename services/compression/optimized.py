"""Optimized variant: sends the best coding that the client accepts, if the body gets smaller.

The choice: `accept_encoding`. Encoding: `body_encoder`. Entity tags and 304: `encoded_response`.
"""

from aiohttp import hdrs, web

from services.chassis.parameters import PARAMETERS
from services.chassis.request_context import VARIANT
from services.compression.body_encoder import BodyEncoder
from services.compression.encoded_response import (
    acceptable_coding,
    accepted_encoding,
    add_vary,
    answer_304_if_known,
    set_body,
)
from services.compression.posts_document import posts_document
from services.compression.response_headers import entity_tag, tag_of_coding

#: By variant; the variants that are named after a coding offer only that coding.
BODY_ENCODERS = web.AppKey("body_encoders", dict[str, BodyEncoder])


async def optimized(request: web.Request) -> web.Response:
    response = web.Response(body=posts_document(request), content_type="application/json")
    encoder = request.app[BODY_ENCODERS][VARIANT.get()]
    await compress(request, response, encoder, request[PARAMETERS].integer("level"))
    return response


async def compress(
    request: web.Request, response: web.Response, encoder: BodyEncoder, level: int = 0
) -> None:
    """Encode a finished response of status 200, and set its entity tag and Vary.

    The response becomes an empty 304 if the client has these bytes already. Raises
    CodingNotAcceptable.
    """
    body = response.body
    assert isinstance(body, bytes)  # noqa: S101 - a streamed body goes through `streamed`
    accepted = accepted_encoding(request)
    has_coding = hdrs.CONTENT_ENCODING in response.headers
    choice = encoder.choose(accepted, len(body), response.content_type, has_coding)
    coding = acceptable_coding(choice, encoder.offered)
    add_vary(response)
    tag = response.headers.get(hdrs.ETAG) or entity_tag(body)
    # Checked before encoding: a client that has the response costs no more than the tag.
    if answer_304_if_known(request, response, tag_of_coding(tag, coding)):
        return
    encoded = await encoder.encode(body, coding, accepted, level)
    # A body that did not shrink is sent unencoded, and the client may have the unencoded body.
    if answer_304_if_known(request, response, tag_of_coding(tag, encoded.coding)):
        return
    set_body(response, encoded)
