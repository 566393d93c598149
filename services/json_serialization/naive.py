"""Naive variant: encodes with the standard library's `json`, as `web.json_response` does."""

from aiohttp import web

from services.json_serialization.document_encoders import encode_with_json
from services.json_serialization.json_response import respond_with_rows


async def naive(request: web.Request) -> web.Response:
    return respond_with_rows(request, "json", encode_with_json)
