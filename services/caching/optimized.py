"""Optimized variant: reads the finished page from Redis, and from PostgreSQL only on a miss."""

from aiohttp import web

from services.caching.lookup import CACHE, look_up
from services.caching.post_response import cached_response


async def optimized(request: web.Request) -> web.Response:
    return cached_response(request, await look_up(request, "optimized", request.app[CACHE]))
