"""Each row is encoded once; an answer only joins what is ready."""

from operator import itemgetter
from time import perf_counter

from aiohttp import web

from services.dataset.posts import Post
from services.json_serialization.answer import json_of, observe, rows_of
from services.json_serialization.encoded_rows import EncodedRows
from services.json_serialization.encoders import encode_with_orjson
from services.json_serialization.technique import MAXIMUM_ROWS

ENCODED_ROWS = web.AppKey("encoded_rows", EncodedRows[Post])


def use_encoded_rows(application: web.Application) -> None:
    # The rows of this service never change, so that an id will do as a key. See EncodedRows.
    application[ENCODED_ROWS] = EncodedRows[Post](itemgetter("id"), MAXIMUM_ROWS)


async def fragments(request: web.Request) -> web.Response:
    rows = rows_of(request)
    started = perf_counter()
    ready = request.app[ENCODED_ROWS].of(rows)
    body = encode_with_orjson({"count": len(rows), "rows": ready})
    observe(request, "fragments", perf_counter() - started)
    return json_of(body)
