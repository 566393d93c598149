"""Builds the service's caches from its settings, and connects them to its metrics."""

import logging
from collections.abc import AsyncIterator
from functools import partial

import psycopg2
from aiohttp import web
from redis.asyncio import Redis

from services import telemetry
from services.caching.background import Background
from services.caching.cache import Cache
from services.caching.cache_policy import CachePolicy
from services.caching.circuit_breaker import BreakerState, CircuitBreaker
from services.caching.epoch import Epoch
from services.caching.epoch_table import EpochTable
from services.caching.leased_loader import LoadReason
from services.caching.local_memory import LocalMemory
from services.caching.lookup import CACHE, NEAR_CACHE
from services.caching.near_cache import NearCache
from services.caching.store import Namespace, Store
from services.caching.subscription import Subscription
from services.chassis.application import SETTINGS
from services.chassis.metrics import METRICS, Metrics
from services.chassis.postgres import DATABASE, Database
from services.chassis.redis_client import REDIS
from services.chassis.request_context import VARIANT
from services.settings import Settings

logger = logging.getLogger(__name__)

NAMESPACE = Namespace("post-page", version=2)
SOURCE_ERRORS = (psycopg2.OperationalError, psycopg2.InterfaceError, TimeoutError)
#: A busy machine causes timeouts too, but rarely five in a row.
_MAXIMUM_FAILURES = 5
#: Hits resume about this long after Redis returns.
_PROBE_PAUSE_SECONDS = 0.5
_MEGABYTE = 1 << 20


class LoadCounts:
    """A CacheObserver that counts loads by the variant of the current request."""

    def __init__(self, metrics: Metrics) -> None:
        self._technique = metrics.technique
        self._loads = metrics.counter(telemetry.CACHE_LOADS)

    def loaded(self, reason: LoadReason) -> None:
        self._loads.labels(self._technique, VARIANT.get(), reason).inc()


async def use_caches(application: web.Application) -> AsyncIterator[None]:
    """A cleanup context that opens the caches. Add it after those of PostgreSQL and Redis."""
    settings, metrics = application[SETTINGS], application[METRICS]
    background = Background()
    redis = application[REDIS]
    cache = Cache(
        Store(redis, NAMESPACE, _breaker(metrics), background),
        await _epoch(application[DATABASE], settings, background),
        _policy(settings),
        background,
        LoadCounts(metrics),
    )
    application[CACHE] = cache
    application[NEAR_CACHE] = NearCache(cache, _local_memory(redis, settings, background))
    yield
    await background.close()


def _breaker(metrics: Metrics) -> CircuitBreaker:
    def log_change(state: BreakerState) -> None:
        logger.warning("the circuit breaker before Redis is now %s", state)

    breaker = CircuitBreaker(_MAXIMUM_FAILURES, _PROBE_PAUSE_SECONDS, log_change)
    gauge = metrics.gauge(telemetry.CACHE_CIRCUIT_BREAKER)

    def is_in(state: BreakerState) -> float:
        return float(breaker.state is state)

    for state in BreakerState:
        gauge.labels(metrics.technique, state).set_function(partial(is_in, state))
    return breaker


async def _epoch(database: Database, settings: Settings, background: Background) -> Epoch:
    table = EpochTable(database, str(NAMESPACE))
    await table.create()
    return Epoch(table.load, table.bump, settings.cache_epoch_age, settings.cache_lease, background)


def _policy(settings: Settings) -> CachePolicy:
    return CachePolicy(
        lifetime=settings.cache_lifetime,
        stale_lifetime=settings.cache_stale_lifetime,
        absent_lifetime=settings.cache_absent_lifetime,
        lease_seconds=settings.cache_lease,
        # A statement may run twice, and each time waits for a connection first.
        fence_seconds=2 * (settings.pool_timeout + settings.statement_timeout),
        serve_unverified=settings.cache_stale_if_error,
        source_errors=SOURCE_ERRORS,
    )


def _local_memory(redis: Redis, settings: Settings, background: Background) -> LocalMemory:
    memory = LocalMemory(settings.cache_local_megabytes * _MEGABYTE, settings.cache_local_lifetime)
    background.start(Subscription(redis, NAMESPACE.invalidations, memory).run())
    return memory
