"""The responses while PostgreSQL, Redis or both are unavailable, as the card describes them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import pytest

from services.caching.technique import TECHNIQUE
from services.chassis.redis_client import connect
from services.settings import Settings
from tests.conftest import Client, ClientOf, samples
from tests.integration.faulty_proxy import Fault, FaultyProxy

VARIANTS = TECHNIQUE.variant_names()
CACHED_VARIANTS = [variant for variant in VARIANTS if variant != "naive"]
Execute = Callable[..., list[tuple[Any, ...]]]


@pytest.fixture
async def postgres(settings: Settings) -> AsyncIterator[FaultyProxy]:
    proxy = FaultyProxy(settings.database_port)
    await proxy.start()
    yield proxy
    await proxy.close()


@pytest.fixture
async def redis(settings: Settings) -> AsyncIterator[FaultyProxy]:
    client = connect(settings)
    await client.flushdb()
    await client.aclose()
    proxy = FaultyProxy(settings.redis_port)
    await proxy.start()
    yield proxy
    await proxy.close()


@pytest.fixture
async def client(
    client_of: ClientOf, settings: Settings, postgres: FaultyProxy, redis: FaultyProxy
) -> Client:
    """A client of a service that reaches both servers through proxies."""
    return await client_of("caching", database_port=postgres.port, redis_port=redis.port)


async def read(client: Client, variant: str, number: int = 8) -> aiohttp.ClientResponse:
    return await client.get(f"/caching/{variant}", params={"id": number})


async def change(client: Client, number: int = 9) -> aiohttp.ClientResponse:
    return await client.put(f"/caching/posts/{number}", json={"title": "A new title"})


async def epoch_outdated(settings: Settings) -> None:
    """Return when the service must read the epoch again."""
    await asyncio.sleep(2 * settings.cache_epoch_age)


async def assert_unavailable(response: aiohttp.ClientResponse, dependency: str) -> None:
    assert (response.status, response.headers["Retry-After"]) == (503, "1")
    assert (await response.json())["dependency"] == dependency


async def not_ready(client: Client) -> list[str]:
    """The dependencies that /readyz names as failed."""
    response = await client.get("/readyz")
    dependencies = (await response.json())["dependencies"]
    failed = [name for name, result in dependencies.items() if not result["ok"]]
    assert response.status == (503 if failed else 200)
    return failed


async def value(client: Client, name: str, **labels: str) -> float:
    """The sum of the metric's samples with these labels."""
    wanted = [f'{label}="{text}"' for label, text in labels.items()]
    found = await samples(client)
    return sum(
        each
        for sample, each in found.items()
        if sample.startswith(name + "{") and all(label in sample for label in wanted)
    )


@pytest.mark.parametrize("variant", VARIANTS)
async def test_an_uncached_page_is_503_while_postgres_is_down(
    client: Client, postgres: FaultyProxy, variant: str
) -> None:
    postgres.inject(Fault.CUT)
    await assert_unavailable(await read(client, variant), "postgres")
    counted = await value(
        client,
        "http_server_request_duration_seconds_count",
        variant=variant,
        http_response_status_code="503",
    )
    assert counted == 1
    assert await not_ready(client) == ["postgres"]
    postgres.inject(Fault.NONE)
    assert (await read(client, variant)).status == 200


@pytest.mark.parametrize("variant", CACHED_VARIANTS)
async def test_a_cached_page_is_200_and_marked_while_postgres_is_down(
    client: Client, settings: Settings, postgres: FaultyProxy, variant: str
) -> None:
    page = await (await read(client, variant)).json()
    postgres.inject(Fault.CUT)
    await epoch_outdated(settings)
    response = await read(client, variant)
    assert (response.status, await response.json()) == (200, page)
    assert response.headers["Cache-Status"] == "post-page; hit; detail=unverified"
    assert await value(client, "cache_requests_total", variant=variant, result="stale") == 1
    postgres.inject(Fault.NONE)
    response = await read(client, variant)
    assert response.status == 200
    assert "Cache-Status" not in response.headers


async def test_a_client_with_the_tag_gets_an_unmarked_304_while_postgres_is_down(
    client: Client, settings: Settings, postgres: FaultyProxy
) -> None:
    tag = (await read(client, "conditional")).headers["ETag"]
    postgres.inject(Fault.CUT)
    await epoch_outdated(settings)
    headers = {"If-None-Match": tag}
    response = await client.get("/caching/conditional", params={"id": 8}, headers=headers)
    assert response.status == 304
    assert "Cache-Status" not in response.headers


@pytest.mark.parametrize("variant", CACHED_VARIANTS)
async def test_a_cached_page_is_503_while_postgres_is_down_if_the_setting_says_so(
    client_of: ClientOf, settings: Settings, postgres: FaultyProxy, redis: FaultyProxy, variant: str
) -> None:
    strict = await client_of(
        "caching",
        database_port=postgres.port,
        redis_port=redis.port,
        cache_stale_if_error=False,
    )
    assert (await read(strict, variant)).status == 200
    postgres.inject(Fault.CUT)
    await epoch_outdated(settings)
    await assert_unavailable(await read(strict, variant), "postgres")


async def test_a_write_is_503_while_postgres_is_down_and_its_page_is_not_cached(
    client: Client, settings: Settings, postgres: FaultyProxy
) -> None:
    assert (await read(client, "optimized", 9)).status == 200
    postgres.inject(Fault.CUT)
    await epoch_outdated(settings)
    await assert_unavailable(await change(client, 9), "postgres")
    await assert_unavailable(await read(client, "optimized", 9), "postgres")
    postgres.inject(Fault.NONE)
    for _ in range(2):
        assert (await read(client, "optimized", 9)).status == 200
    assert await value(client, "cache_requests_total", variant="optimized", result="hit") == 0


async def test_a_postgres_that_hangs_is_a_504_without_a_cached_page(
    client_of: ClientOf, settings: Settings, postgres: FaultyProxy, redis: FaultyProxy
) -> None:
    client = await client_of(
        "caching",
        database_port=postgres.port,
        redis_port=redis.port,
        cache_lease=0.1,
        pool_timeout=0.1,
    )
    page = await (await read(client, "optimized")).json()
    postgres.inject(Fault.SILENT)
    await epoch_outdated(settings)
    response = await read(client, "optimized")
    assert (response.status, await response.json()) == (200, page)
    assert "Cache-Status" in response.headers
    for variant in VARIANTS:
        response = await read(client, variant, 10)
        assert response.status == 504
        assert "Retry-After" not in response.headers
    assert (await change(client, 9)).status == 504


@pytest.mark.parametrize("fault", [Fault.CUT, Fault.SILENT])
@pytest.mark.parametrize("variant", VARIANTS)
async def test_every_page_is_200_while_redis_is_down(
    client_of: ClientOf, redis: FaultyProxy, variant: str, fault: Fault
) -> None:
    client = await client_of("caching", redis_port=redis.port, redis_timeout=0.05)
    page = await (await read(client, variant)).json()
    redis.inject(fault)
    for _ in range(6):
        response = await read(client, variant)
        assert (response.status, await response.json()) == (200, page)
        assert "Cache-Status" not in response.headers


async def test_the_metrics_show_a_redis_that_is_down_and_hits_resume(
    client: Client, redis: FaultyProxy
) -> None:
    assert (await read(client, "optimized")).status == 200
    redis.inject(Fault.CUT)
    for _ in range(6):
        assert (await read(client, "optimized")).status == 200
    assert await value(client, "cache_requests_total", variant="optimized", result="error") == 6
    assert await value(client, "cache_loads_total", variant="optimized", reason="error") == 6
    assert await value(client, "cache_circuit_breaker_state", state="closed") == 0
    assert await not_ready(client) == ["redis"]
    redis.inject(Fault.NONE)
    async with asyncio.timeout(20):
        while not await value(client, "cache_requests_total", variant="optimized", result="hit"):
            assert (await read(client, "optimized")).status == 200
    assert await value(client, "cache_circuit_breaker_state", state="closed") == 1


async def test_a_write_is_200_while_redis_is_down(
    client: Client, redis: FaultyProxy, execute: Execute
) -> None:
    ((title,),) = execute("SELECT title FROM posts WHERE id = 9")
    redis.inject(Fault.CUT)
    try:
        assert (await change(client, 9)).status == 200
        for variant in VARIANTS:
            page = await (await read(client, variant, 9)).json()
            assert page["title"] == "A new title"
    finally:
        execute("UPDATE posts SET title = %s WHERE id = 9", title)


@pytest.mark.parametrize("variant", VARIANTS)
async def test_every_request_is_503_while_postgres_and_redis_are_down(
    client: Client, settings: Settings, postgres: FaultyProxy, redis: FaultyProxy, variant: str
) -> None:
    assert (await read(client, variant)).status == 200
    postgres.inject(Fault.CUT)
    redis.inject(Fault.CUT)
    await epoch_outdated(settings)
    await assert_unavailable(await read(client, variant), "postgres")
    await assert_unavailable(await change(client), "postgres")
    assert await not_ready(client) == ["postgres", "redis"]
