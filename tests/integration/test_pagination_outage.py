"""Pagination while PostgreSQL is down or hangs: status, headers, metrics, recovery."""

import asyncio
from collections.abc import AsyncIterator
from time import perf_counter

import pytest

from services.settings import Settings
from tests.conftest import Client, ClientOf, samples
from tests.integration.faulty_proxy import Fault, FaultyProxy

VARIANTS = ("naive", "optimized", "offset")


@pytest.fixture
async def proxy(settings: Settings) -> AsyncIterator[FaultyProxy]:
    """A proxy to PostgreSQL."""
    proxy = FaultyProxy(settings.database_port)
    await proxy.start()
    yield proxy
    await proxy.close()


async def requests_with(client: Client, status: int) -> float:
    metrics = await samples(client)
    return sum(
        count
        for name, count in metrics.items()
        if name.startswith("http_server_request_duration_seconds_count")
        and f'http_response_status_code="{status}"' in name
    )


async def test_while_postgres_is_down_each_variant_answers_503_and_then_recovers(
    client_of: ClientOf, proxy: FaultyProxy
) -> None:
    client = await client_of("pagination", database_port=proxy.port)
    proxy.inject(Fault.CUT)
    for variant in VARIANTS:
        for _ in range(3):
            response = await client.get(f"/pagination/{variant}")
            assert response.status == 503
            assert response.headers["Retry-After"] == "1"
            problem = await response.json(content_type="application/problem+json")
            assert problem["dependency"] == "postgres"
    assert (await client.get("/readyz")).status == 503
    assert (await client.get("/healthz")).status == 200
    assert await requests_with(client, 503) == 9
    proxy.inject(Fault.NONE)
    assert [(await client.get(f"/pagination/{each}")).status for each in VARIANTS] == [200] * 3
    assert (await client.get("/readyz")).status == 200


async def test_while_postgres_hangs_a_request_ends_with_504_after_the_pool_timeout(
    client_of: ClientOf, proxy: FaultyProxy
) -> None:
    client = await client_of("pagination", database_port=proxy.port, pool_timeout=0.2)
    proxy.inject(Fault.SILENT)
    for variant in VARIANTS:  # a statement that hangs first, then connections that hang
        started = perf_counter()
        response = await client.get(f"/pagination/{variant}")
        assert response.status == 504
        assert perf_counter() - started >= 0.2
        assert "Retry-After" not in response.headers
    assert await requests_with(client, 504) == 3
    proxy.inject(Fault.NONE)
    await until_answered(client)


async def until_answered(client: Client) -> None:
    async with asyncio.timeout(20):
        while (await client.get("/pagination/optimized")).status != 200:
            pass
