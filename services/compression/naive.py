"""The body as it is, whatever the client accepts."""

from aiohttp import web

from services.compression.payload import payload


async def naive(request: web.Request) -> web.Response:
    return web.Response(body=payload(request), content_type="application/json")
