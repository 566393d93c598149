"""orjson, straight to the bytes that go out."""

from aiohttp import web

from services.json_serialization.answer import encoded
from services.json_serialization.encoders import encode_with_orjson


async def optimized(request: web.Request) -> web.Response:
    return encoded(request, "orjson", encode_with_orjson)
