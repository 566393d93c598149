"""The page from this process's own memory, which is told by the others when it has changed."""

from aiohttp import web

from services.caching.lookup import look_up
from services.caching.optimized import respond
from services.caching.tiered_cache import TieredCache

TIERED_CACHE = web.AppKey("tiered_cache", TieredCache)


async def two_tier(request: web.Request) -> web.Response:
    return respond(request, await look_up(request, "two-tier", request.app[TIERED_CACHE]))
