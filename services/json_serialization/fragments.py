"""Encodes each row once and joins the encoded rows (`encoded_rows`) for each response."""

from operator import itemgetter
from time import perf_counter

from aiohttp import web

from services.dataset.posts import Post
from services.json_serialization.document_encoders import encode_with_orjson
from services.json_serialization.encoded_rows import EncodedRows
from services.json_serialization.json_response import encoded_json_response, observe_encoding
from services.json_serialization.kept_rows import requested_rows
from services.json_serialization.technique import MAXIMUM_ROWS

ENCODED_ROWS = web.AppKey("encoded_rows", EncodedRows[Post])


def use_encoded_rows(application: web.Application) -> None:
    # An id alone is a safe key only because the rows of this service never change.
    application[ENCODED_ROWS] = EncodedRows[Post](itemgetter("id"), MAXIMUM_ROWS)


async def fragments(request: web.Request) -> web.Response:
    rows = requested_rows(request)
    started = perf_counter()
    encoded_rows = request.app[ENCODED_ROWS].encode(rows)
    body = encode_with_orjson({"count": len(rows), "rows": encoded_rows})
    observe_encoding(request, "fragments", perf_counter() - started)
    return encoded_json_response(body)
