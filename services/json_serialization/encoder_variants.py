"""The variants `msgspec`, `ujson` and `rapidjson`: the naive handler with another encoder.

How the libraries differ: `document_encoders`. The response: `json_response`.
"""

from aiohttp import web

from services.json_serialization.document_encoders import (
    encode_with_msgspec,
    encode_with_rapidjson,
    encode_with_ujson,
)
from services.json_serialization.json_response import respond_with_rows


async def msgspec(request: web.Request) -> web.Response:
    """msgspec: as fast as orjson for dictionaries, faster for code that uses its Structs."""
    return respond_with_rows(request, "msgspec", encode_with_msgspec)


async def ujson(request: web.Request) -> web.Response:
    """ujson: once the usual fast encoder. It gets only fixes; its maintainers recommend orjson."""
    return respond_with_rows(request, "ujson", encode_with_ujson)


async def rapidjson(request: web.Request) -> web.Response:
    """python-rapidjson: a C++ encoder that supports nearly all options of `json`."""
    return respond_with_rows(request, "rapidjson", encode_with_rapidjson)
