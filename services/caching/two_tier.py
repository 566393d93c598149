"""Two-tier variant: reads the page from this process's memory, then Redis, then PostgreSQL."""

from aiohttp import web

from services.caching.lookup import NEAR_CACHE, look_up
from services.caching.post_response import cached_response


async def two_tier(request: web.Request) -> web.Response:
    return cached_response(request, await look_up(request, "two-tier", request.app[NEAR_CACHE]))
