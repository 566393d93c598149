"""Encodes with the standard library's `json`, as `web.json_response` does."""

from aiohttp import web

from services.json_serialization.document_encoders import encode_with_json
from services.json_serialization.json_response import encoded_rows_response


async def naive(request: web.Request) -> web.Response:
    return encoded_rows_response(request, "json", encode_with_json)
