"""Probes: functions that ask a server whether it is ready.

The readiness of another process cannot be awaited, so `wait_until` repeats a probe.
"""

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

RETRY_SECONDS = 0.05
_ANSWER_SECONDS = 5.0

Probe = Callable[[], Awaitable[bool]]


async def wait_until(probe: Probe) -> None:
    """Repeat the probe until it returns True. The caller sets the deadline."""
    while not await probe():  # noqa: ASYNC110
        await asyncio.sleep(RETRY_SECONDS)


def postgres_answers(port: int, user: str, password: str) -> Probe:
    """A probe that connects to PostgreSQL on this machine."""

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
    """A probe that sends PING to Valkey or Redis on this machine."""

    async def probe() -> bool:
        # The client's default retries would delay each negative result by four seconds.
        async with Redis(host=HOST, port=port, retry=Retry(NoBackoff(), 0)) as client:
            try:
                return bool(await client.ping())
            except (RedisError, OSError):
                return False

    return probe


def service_is_ready(address: str) -> Probe:
    """A probe that asks for `/readyz` below this address and expects status 200."""

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
