"""`GET /json-serialization/export`: every post as a line of NDJSON, in flat memory.

A batch is read when the one before has been taken: a client that reads slowly slows the statements
down, one that leaves ends them, and for one that does not read the request's deadline does. Where
the stream cannot be finished the connection is broken off, so that a part never passes for all.
"""

from collections.abc import AsyncIterator

from aiohttp import hdrs, web

from services.chassis.parameters import read_parameters
from services.chassis.postgres import DATABASE
from services.chassis.request_context import REQUEST_ID
from services.contract import IntegerParameter
from services.dataset.posts import Post
from services.json_serialization.every_post import batches
from services.json_serialization.lines import MEDIA_TYPE, as_lines
from services.json_serialization.negotiation import VARY, agreed

_ALL = 1_000_000_000
_ROWS = IntegerParameter(
    "rows", "At most so many posts, the newest; else all.", default=_ALL, minimum=0, maximum=_ALL
)


async def export(request: web.Request) -> web.StreamResponse:
    limit = read_parameters((_ROWS,), request).integer("rows")
    agreed(request, (MEDIA_TYPE,))
    posts = batches(request.app[DATABASE].fetch, limit)
    # Before anything is sent: until then a database out of reach can still be told as a problem.
    first: list[Post] = await anext(posts, [])
    headers = {**VARY, hdrs.CONTENT_TYPE: MEDIA_TYPE, "X-Request-ID": REQUEST_ID.get()}
    response = web.StreamResponse(headers=headers)
    try:
        await response.prepare(request)
        if request.method != hdrs.METH_HEAD:
            await _write(response, first, posts)
        await response.write_eof()
    except ConnectionError:
        pass  # the client has gone
    return response


async def _write(
    response: web.StreamResponse, first: list[Post], others: AsyncIterator[list[Post]]
) -> None:
    await response.write(as_lines(first))
    async for batch in others:
        # Returns once the client has taken most of it.
        await response.write(as_lines(batch))
