"""The answer piece by piece: each can be read by the client as soon as it has been written."""

import asyncio
from collections.abc import AsyncIterator

from aiohttp import hdrs, web

from services.chassis.parameters import PARAMETERS
from services.chassis.request_context import REQUEST_ID
from services.compression.accept_encoding import IDENTITY
from services.compression.codings import CODINGS
from services.compression.encoder import Observer
from services.compression.negotiation import choose
from services.compression.observer import OBSERVER
from services.compression.optimized import accepted_by, add_vary, chosen
from services.compression.payload import pieces
from services.compression.piecewise import Piecewise


async def streamed(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={hdrs.CONTENT_TYPE: "application/json"})
    level = request[PARAMETERS].integer("level")
    await stream(request, response, _one_by_one(request), request.app[OBSERVER], level)
    return response


async def _one_by_one(request: web.Request) -> AsyncIterator[bytes]:
    for piece in pieces(request):
        yield piece
        await asyncio.sleep(0)  # a client that reads fast would else keep all others waiting


async def stream(
    request: web.Request,
    response: web.StreamResponse,
    body: AsyncIterator[bytes],
    observer: Observer,
    level: int = 0,
) -> None:
    """Send the pieces of a body, each encoded on the event loop: keep them below 64 KiB.

    No entity tag, since nothing is known of the bytes before they are sent. Raises
    CodingNotAcceptable.
    """
    coding = chosen(lambda: choose(accepted_by(request), tuple(CODINGS)))
    encoder = Piecewise(coding, level)
    add_vary(response)
    response.headers["X-Request-ID"] = REQUEST_ID.get()  # too late for it once this has begun
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
        pass  # the client has gone
    finally:
        observer.encoded(encoder.coding, encoder.before, encoder.after, encoder.seconds)
