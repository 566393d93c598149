"""Variant `streamed`: sends the document in pieces; the client can decode each piece on arrival."""

import asyncio
from collections.abc import AsyncIterator

from aiohttp import hdrs, web

from services.chassis.parameters import PARAMETERS
from services.chassis.request_context import REQUEST_ID
from services.compression.accept_encoding import IDENTITY
from services.compression.body_encoder import EncodingObserver
from services.compression.codings import CODINGS
from services.compression.encoded_response import acceptable_coding, accepted_encoding, add_vary
from services.compression.encoding_metrics import ENCODING_OBSERVER
from services.compression.piecewise_encoder import PiecewiseEncoder
from services.compression.posts_document import posts_document_pieces

_OFFERED = tuple(CODINGS)


async def streamed(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={hdrs.CONTENT_TYPE: "application/json"})
    level = request[PARAMETERS].integer("level")
    await stream(request, response, _pieces(request), request.app[ENCODING_OBSERVER], level)
    return response


async def _pieces(request: web.Request) -> AsyncIterator[bytes]:
    for piece in posts_document_pieces(request):
        yield piece
        await asyncio.sleep(0)  # otherwise a client that reads fast would stall all other requests


async def stream(
    request: web.Request,
    response: web.StreamResponse,
    body: AsyncIterator[bytes],
    observer: EncodingObserver,
    level: int = 0,
) -> None:
    """Send the pieces of a body. Keep them below 64 KiB: each is encoded on the event loop.

    The response has no entity tag, since its bytes are unknown when the headers are sent. Raises
    CodingNotAcceptable.
    """
    coding = acceptable_coding(accepted_encoding(request).choose(_OFFERED), _OFFERED)
    encoder = PiecewiseEncoder(coding, level)
    add_vary(response)
    # Set here: the chassis adds the id after the handler, when the headers have been sent.
    response.headers["X-Request-ID"] = REQUEST_ID.get()
    if encoder.coding != IDENTITY:
        response.headers[hdrs.CONTENT_ENCODING] = encoder.coding
    await response.prepare(request)
    if request.method == hdrs.METH_HEAD:
        return
    try:
        async for piece in body:
            await response.write(encoder.write(piece))
        await response.write(encoder.finish())
        await response.write_eof()
    except ConnectionError:
        pass  # the client disconnected
    finally:
        observer.body_encoded(
            encoder.coding, encoder.plain_bytes, encoder.encoded_bytes, encoder.seconds
        )
