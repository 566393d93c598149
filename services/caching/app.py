"""Assembles the caching service."""

from aiohttp import web

from services.caching.cache_setup import use_caches
from services.caching.conditional import conditional
from services.caching.lookup import LOOKUP_COUNTS, LookupCounts
from services.caching.naive import naive
from services.caching.optimized import optimized
from services.caching.post_update import update_post
from services.caching.technique import TECHNIQUE
from services.caching.two_tier import two_tier
from services.chassis.application import create_service
from services.chassis.postgres import use_postgres
from services.chassis.redis_client import use_redis
from services.chassis.routes import add_route
from services.settings import Settings


def create(settings: Settings) -> web.Application:
    handlers = {
        "naive": naive,
        "optimized": optimized,
        "two-tier": two_tier,
        "conditional": conditional,
    }
    application = create_service(TECHNIQUE, settings, handlers)
    add_route(application, "PUT", "/caching/posts/{id}", "change", update_post)
    application[LOOKUP_COUNTS] = LookupCounts(application)
    use_postgres(application, settings)
    use_redis(application, settings)
    application.cleanup_ctx.append(use_caches)
    return application
