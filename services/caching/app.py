"""Wiring."""

from collections.abc import AsyncIterator

from aiohttp import web

from services import telemetry
from services.caching.cache import Cache
from services.caching.change import change
from services.caching.naive import naive
from services.caching.optimized import CACHE, CACHE_REQUESTS, optimized
from services.caching.technique import TECHNIQUE
from services.chassis.application import SETTINGS, create_service
from services.chassis.cache_server import REDIS, use_redis
from services.chassis.metrics import METRICS
from services.chassis.postgres import use_postgres
from services.chassis.routes import add_route
from services.settings import Settings

_NAMESPACE = "post-page:1"


def create(settings: Settings) -> web.Application:
    application = create_service(TECHNIQUE, settings, {"naive": naive, "optimized": optimized})
    add_route(application, "PUT", "/caching/posts/{id}", "change", change)
    application[CACHE_REQUESTS] = application[METRICS].counter(telemetry.CACHE_REQUESTS)
    use_postgres(application, settings)
    use_redis(application, settings)
    application.cleanup_ctx.append(_cache)
    return application


async def _cache(application: web.Application) -> AsyncIterator[None]:
    application[CACHE] = Cache(application[REDIS], _NAMESPACE, application[SETTINGS].cache_ttl)
    yield
