"""`GET /json-serialization/export` streams every post as a line of NDJSON, in constant memory.

The next batch (`post_batches`) is read only after the client has taken the last one, so a slow
client slows the statements down. The export ends when the client disconnects, or at the request's
deadline if the client stops reading. A stream that fails closes the connection, so that the
client cannot mistake a part for the whole.
"""

from collections.abc import AsyncIterator

from aiohttp import hdrs, web

from services.chassis.parameters import read_parameters
from services.chassis.postgres import DATABASE
from services.chassis.request_context import REQUEST_ID
from services.contract import IntegerParameter
from services.dataset.posts import Post
from services.json_serialization.document_encoders import NDJSON, encode_as_ndjson
from services.json_serialization.json_response import VARY_BY_ACCEPT, negotiated_media_type
from services.json_serialization.post_batches import post_batches

_ALL = 1_000_000_000
_ROWS = IntegerParameter(
    "rows",
    "The number of posts to export, newest first; by default all.",
    default=_ALL,
    minimum=0,
    maximum=_ALL,
)


async def export(request: web.Request) -> web.StreamResponse:
    limit = read_parameters((_ROWS,), request).integer("rows")
    negotiated_media_type(request, (NDJSON,))
    batches = post_batches(request.app[DATABASE].fetch, limit)
    # Read the first batch before the headers are sent: only until then can an unavailable database
    # be reported as a problem document.
    first: list[Post] = await anext(batches, [])
    headers = {**VARY_BY_ACCEPT, hdrs.CONTENT_TYPE: NDJSON, "X-Request-ID": REQUEST_ID.get()}
    response = web.StreamResponse(headers=headers)
    try:
        await response.prepare(request)
        if request.method != hdrs.METH_HEAD:
            await _write(response, first, batches)
        await response.write_eof()
    except ConnectionError:
        pass  # the client disconnected
    return response


async def _write(
    response: web.StreamResponse, first: list[Post], others: AsyncIterator[list[Post]]
) -> None:
    await response.write(encode_as_ndjson(first))
    async for batch in others:
        # Returns after the client has taken most of the batch.
        await response.write(encode_as_ndjson(batch))
