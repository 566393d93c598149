"""Assembles the service: both pools, their metrics, and a handler per variant."""

from collections.abc import AsyncIterator

from aiohttp import web

from services.chassis.application import SETTINGS, create_service
from services.chassis.health import CHECKS
from services.chassis.metrics import METRICS
from services.chassis.postgres import (
    DATABASE_METRICS,
    connect_at_start,
    connection_arguments,
    use_database_metrics,
)
from services.connection_pooling.asyncpg_pool import (
    ASYNCPG_POOL,
    close_asyncpg_pool,
    open_asyncpg_pool,
    read_with_asyncpg,
)
from services.connection_pooling.ledger import PoolLimits
from services.connection_pooling.naive import naive
from services.connection_pooling.optimized import POOL, optimized
from services.connection_pooling.pool import ConnectionPool
from services.connection_pooling.pool_metrics import PoolMetrics
from services.connection_pooling.technique import TECHNIQUE
from services.settings import Settings

#: How long a closing pool waits for lent connections. Requests had LAB_SHUTDOWN_TIMEOUT before.
DRAIN_SECONDS = 1.0


def create(settings: Settings) -> web.Application:
    handlers = {"naive": naive, "optimized": optimized, "asyncpg": read_with_asyncpg}
    application = create_service(TECHNIQUE, settings, handlers)
    use_database_metrics(application)
    application.cleanup_ctx.extend([_pool, _asyncpg_pool])
    return application


async def _pool(application: web.Application) -> AsyncIterator[None]:
    settings = application[SETTINGS]
    metrics = PoolMetrics(application[METRICS], application[DATABASE_METRICS])
    arguments = connection_arguments(settings, TECHNIQUE.name)
    pool = await connect_at_start(
        settings, lambda: ConnectionPool.open(_limits(settings), metrics, **arguments)
    )
    application[POOL] = pool
    application[CHECKS]["postgres"] = pool.check
    metrics.watch(pool)
    yield
    await pool.close(DRAIN_SECONDS)


async def _asyncpg_pool(application: web.Application) -> AsyncIterator[None]:
    settings = application[SETTINGS]
    metrics = application[DATABASE_METRICS]
    application[ASYNCPG_POOL] = pool = await connect_at_start(
        settings, lambda: open_asyncpg_pool(settings, TECHNIQUE.name, metrics)
    )
    yield
    await close_asyncpg_pool(pool, DRAIN_SECONDS)


def _limits(settings: Settings) -> PoolLimits:
    return PoolLimits(
        minimum=settings.pool_min,
        maximum=settings.pool_max,
        maximum_waiters=settings.pool_waiting,
        timeout_seconds=settings.pool_timeout,
        check_idle_seconds=settings.pool_check_idle,
        maximum_idle_seconds=settings.pool_max_idle,
        maximum_age_seconds=settings.pool_max_age,
        leak_seconds=settings.pool_leak_after,
    )
