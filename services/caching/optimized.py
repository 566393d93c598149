"""The ready page from Redis; PostgreSQL is asked only when it is not there."""

import contextlib
import random

from aiohttp import web
from prometheus_client import Counter
from redis.exceptions import RedisError

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
    cache = request.app[CACHE]
    # Drawn to simulate a load, not secret.
    if random.random() * 100 < request[PARAMETERS].integer("changed"):  # noqa: S311
        await _invalidate(cache, number)
    page, outcome = await cache.get(str(number), lambda: load_post_page(database, number))
    request.app[CACHE_REQUESTS].labels(TECHNIQUE.name, "optimized", outcome).inc()
    return web.Response(body=page, content_type="application/json")


async def _invalidate(cache: Cache, number: int) -> None:
    """What whoever changes a page does; here nobody is to be told that it failed."""
    with contextlib.suppress(RedisError):
        await cache.invalidate(str(number))
