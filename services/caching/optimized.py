"""The ready page from Redis; PostgreSQL is asked only when it is not there."""

from aiohttp import web
from prometheus_client import Counter

from services.caching.cache import Cache
from services.caching.post_page import load_post_page
from services.caching.technique import TECHNIQUE
from services.chassis.parameters import PARAMETERS
from services.chassis.postgres import DATABASE

CACHE = web.AppKey("cache", Cache)
CACHE_REQUESTS = web.AppKey("cache_requests", Counter)


async def optimized(request: web.Request) -> web.Response:
    number = request[PARAMETERS].integer("id")
    database = request.app[DATABASE]
    page, outcome = await request.app[CACHE].get(
        str(number), lambda: load_post_page(database, number)
    )
    request.app[CACHE_REQUESTS].labels(TECHNIQUE.name, "optimized", outcome).inc()
    return web.Response(body=page, content_type="application/json")
