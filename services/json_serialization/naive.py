"""The standard library's encoder, as `web.json_response` uses it."""

from aiohttp import web

from services.json_serialization.answer import encoded
from services.json_serialization.encoders import encode_with_json


async def naive(request: web.Request) -> web.Response:
    return encoded(request, "json", encode_with_json)
