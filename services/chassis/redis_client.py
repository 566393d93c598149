"""A client for Redis or Valkey, one for each application, with short timeouts and no retries.

By default the client retries for seconds when the server is down. A cache that does not answer in
time counts as a miss instead.
"""

from collections.abc import AsyncIterator

from aiohttp import web
from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from services.chassis.health import CHECKS
from services.settings import Settings

#: The client refuses further concurrent commands, so callers must stay below this number. The
#: library has a pool that lets commands wait, but it takes a lock and a timer for every command,
#: and a cache hit would become measurably slower.
MAXIMUM_CONNECTIONS = 64

REDIS = web.AppKey("redis", Redis)


def use_redis(application: web.Application, settings: Settings) -> None:
    """Give the application a client and a readiness check. The server may start later."""

    async def redis(application: web.Application) -> AsyncIterator[None]:
        client = connect(settings)
        application[REDIS] = client
        application[CHECKS]["redis"] = client.ping
        yield
        await client.aclose()

    application.cleanup_ctx.append(redis)


def connect(settings: Settings) -> Redis:
    """A new client; it opens connections when commands need them."""
    pool = ConnectionPool(
        max_connections=MAXIMUM_CONNECTIONS,
        host=settings.redis_host,
        port=settings.redis_port,
        password=settings.redis_password.get_secret_value() or None,
        socket_timeout=settings.redis_timeout,
        socket_connect_timeout=settings.redis_timeout,
        retry=Retry(NoBackoff(), 0),
    )
    return Redis.from_pool(pool)
