"""The caches of post pages as the settings want them, and what they tell the metrics."""

import logging
from collections.abc import AsyncIterator
from functools import partial

import psycopg2
from aiohttp import web
from redis.asyncio import Redis

from services import telemetry
from services.caching.background import Background
from services.caching.cache import Cache, Lifetimes, Reason
from services.caching.circuit_breaker import CircuitBreaker, State
from services.caching.epoch import Epoch
from services.caching.epoch_table import EpochTable
from services.caching.local_tier import LocalTier
from services.caching.namespace import Namespace
from services.caching.optimized import CACHE
from services.caching.store import Store
from services.caching.subscription import Subscription
from services.caching.tiered_cache import TieredCache
from services.caching.two_tier import TIERED_CACHE
from services.chassis.application import SETTINGS
from services.chassis.metrics import METRICS, Metrics
from services.chassis.postgres import DATABASE, Database
from services.chassis.redis_client import REDIS
from services.chassis.request_context import VARIANT
from services.settings import Settings

logger = logging.getLogger(__name__)

NAMESPACE = Namespace("post-page", version=2)
SOURCE_UNAVAILABLE = (psycopg2.OperationalError, psycopg2.InterfaceError, TimeoutError)
#: Time-outs in a row come from a busy machine, too, but seldom five.
_FAILURES_TO_OPEN = 5
#: Hits are back so long after Redis is.
_PAUSE_SECONDS = 0.5
_MEGABYTE = 1 << 20


class LoadCounts:
    """An observer of the cache: loads, by the variant that is being answered."""

    def __init__(self, metrics: Metrics) -> None:
        self._technique = metrics.technique
        self._loads = metrics.counter(telemetry.CACHE_LOADS)

    def loaded(self, reason: Reason) -> None:
        self._loads.labels(self._technique, VARIANT.get(), reason).inc()


async def use_pages(application: web.Application) -> AsyncIterator[None]:
    """A cleanup context: after PostgreSQL's and Redis's."""
    settings = application[SETTINGS]
    background = Background()
    breaker = _breaker(application[METRICS])
    redis = application[REDIS]
    store = Store(redis, NAMESPACE, breaker, background)
    epoch = await _epoch(application[DATABASE], settings, background)
    counts = LoadCounts(application[METRICS])
    cache = Cache(
        store,
        epoch,
        _lifetimes(settings),
        background,
        counts,
        SOURCE_UNAVAILABLE,
        settings.cache_stale_if_error,
    )
    application[CACHE] = cache
    application[TIERED_CACHE] = TieredCache(cache, _local_tier(redis, settings, background))
    yield
    await background.close()


def _breaker(metrics: Metrics) -> CircuitBreaker:
    def changed(state: State) -> None:
        logger.warning("the circuit breaker before Redis is %s", state)

    breaker = CircuitBreaker(_FAILURES_TO_OPEN, _PAUSE_SECONDS, changed)
    gauge = metrics.gauge(telemetry.CACHE_CIRCUIT_BREAKER)

    def is_in(state: State) -> float:
        return float(breaker.state is state)

    for state in State:
        gauge.labels(metrics.technique, state).set_function(partial(is_in, state))
    return breaker


async def _epoch(database: Database, settings: Settings, background: Background) -> Epoch:
    table = EpochTable(database, str(NAMESPACE))
    await table.make()
    return Epoch(table.load, table.bump, settings.cache_epoch_age, settings.cache_lease, background)


def _lifetimes(settings: Settings) -> Lifetimes:
    return Lifetimes(
        fresh=settings.cache_ttl,
        stale=settings.cache_stale,
        absent=settings.cache_negative_ttl,
        lease=settings.cache_lease,
        # A statement may be tried twice, each time waiting for a connection before.
        fence=2 * (settings.pool_timeout + settings.statement_timeout),
    )


def _local_tier(redis: Redis, settings: Settings, background: Background) -> LocalTier:
    local = LocalTier(settings.cache_local_megabytes * _MEGABYTE, settings.cache_local_ttl)
    background.start(Subscription(redis, NAMESPACE.invalidations, local).run())
    return local
