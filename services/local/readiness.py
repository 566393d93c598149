"""Waiting until a server answers. Another process cannot be awaited: it is asked again."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import closing

import aiohttp
import psycopg2
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from services.local.ports import HOST

ASK_AGAIN_SECONDS = 0.05
_ANSWER_SECONDS = 5.0

Probe = Callable[[], Awaitable[bool]]


async def until(probe: Probe) -> None:
    """Returns when the probe says yes; whoever calls sets the deadline."""
    while not await probe():  # noqa: ASYNC110
        await asyncio.sleep(ASK_AGAIN_SECONDS)


def postgres_answers(port: int, user: str, password: str) -> Probe:
    def connect() -> bool:
        try:
            with closing(
                psycopg2.connect(
                    host=HOST, port=port, user=user, password=password, dbname="postgres"
                )
            ):
                return True
        except psycopg2.OperationalError:
            return False

    async def probe() -> bool:
        return await asyncio.to_thread(connect)

    return probe


def valkey_answers(port: int) -> Probe:
    async def probe() -> bool:
        # Its default retries would make one "no" take four seconds.
        async with Redis(host=HOST, port=port, retry=Retry(NoBackoff(), 0)) as client:
            try:
                return bool(await client.ping())
            except (RedisError, OSError):
                return False

    return probe


def service_is_ready(address: str) -> Probe:
    async def probe() -> bool:
        timeout = aiohttp.ClientTimeout(total=_ANSWER_SECONDS)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.get(f"{address}/readyz") as response,
            ):
                return response.status == 200
        except (aiohttp.ClientError, OSError, TimeoutError):
            return False

    return probe
