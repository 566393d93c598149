"""Wiring."""

from collections.abc import AsyncIterator

from aiohttp import web

from services.chassis.application import SETTINGS, create_service
from services.chassis.health import CHECKS
from services.chassis.postgres import (
    DATABASE_METRICS,
    connection_arguments,
    reached_at_start,
    use_database_metrics,
)
from services.connection_pooling.naive import naive
from services.connection_pooling.optimized import POOL, optimized
from services.connection_pooling.pool import ConnectionPool
from services.connection_pooling.technique import TECHNIQUE
from services.settings import Settings


def create(settings: Settings) -> web.Application:
    application = create_service(TECHNIQUE, settings, {"naive": naive, "optimized": optimized})
    use_database_metrics(application)
    application.cleanup_ctx.append(_pool)
    return application


async def _pool(application: web.Application) -> AsyncIterator[None]:
    settings = application[SETTINGS]
    metrics = application[DATABASE_METRICS]
    arguments = connection_arguments(settings, TECHNIQUE.name)
    pool = await reached_at_start(
        settings, lambda: ConnectionPool.open(settings.pool_max, metrics, **arguments)
    )
    application[POOL] = pool
    application[CHECKS]["postgres"] = pool.check
    metrics.watch_connections(lambda: pool.idle, lambda: pool.used)
    yield
    await pool.close()
