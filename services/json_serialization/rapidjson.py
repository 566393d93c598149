"""python-rapidjson: a C++ encoder that takes nearly every option that `json` takes."""

from aiohttp import web

from services.json_serialization.answer import encoded
from services.json_serialization.encoders import encode_with_rapidjson


async def rapidjson(request: web.Request) -> web.Response:
    return encoded(request, "rapidjson", encode_with_rapidjson)
