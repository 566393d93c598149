"""ujson: once the usual fast encoder; its maintainers only fix it by now, and point to orjson."""

from aiohttp import web

from services.json_serialization.answer import encoded
from services.json_serialization.encoders import encode_with_ujson


async def ujson(request: web.Request) -> web.Response:
    return encoded(request, "ujson", encode_with_ujson)
