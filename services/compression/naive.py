"""Naive variant: sends the body unencoded, for every Accept-Encoding."""

from aiohttp import web

from services.compression.posts_document import posts_document


async def naive(request: web.Request) -> web.Response:
    return web.Response(body=posts_document(request), content_type="application/json")
