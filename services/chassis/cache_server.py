"""Redis or Valkey: one client for the application, with deadlines that a cache deserves.

The client's defaults would retry for seconds when the server is down. A cache that cannot answer in
time is a miss, not a reason to wait.
"""

from collections.abc import AsyncIterator

from aiohttp import web
from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from services.chassis.health import CHECKS
from services.settings import Settings

#: More commands at once are refused: whoever sends them keeps below that. The library's pool that
#: would let them wait takes a lock and a timer for every command, which a hit would notice.
MAXIMUM_CONNECTIONS = 64

REDIS = web.AppKey("redis", Redis)


def use_redis(application: web.Application, settings: Settings) -> None:
    """Give the application a client, and a readiness check. The server may come later."""

    async def redis(application: web.Application) -> AsyncIterator[None]:
        client = connect(settings)
        application[REDIS] = client
        application[CHECKS]["redis"] = client.ping
        yield
        await client.aclose()

    application.cleanup_ctx.append(redis)


def connect(settings: Settings) -> Redis:
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
