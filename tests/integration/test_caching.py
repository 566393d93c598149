"""Caching, with a real Valkey and a real PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from redis.asyncio import Redis

from services.caching.cache import Cache, Outcome
from services.chassis.cache_server import connect
from services.settings import Settings
from tests.conftest import Client, ClientOf, samples


@pytest.fixture
async def redis(settings: Settings) -> AsyncIterator[Redis]:
    client = connect(settings)
    await client.flushdb()
    yield client
    await client.aclose()


def cache_of(redis: Redis) -> Cache:
    return Cache(redis, "test:1", ttl=60)


async def page(client: Client, variant: str, number: int) -> Any:
    return await (await client.get(f"/caching/{variant}", params={"id": number})).json()


async def test_the_second_read_is_a_hit(redis: Redis, client_of: ClientOf) -> None:
    client = await client_of("caching")
    first, second = [await page(client, "optimized", 7) for _ in range(2)]
    assert first == second
    counted = await samples(client)
    for result in ("miss", "hit"):
        name = f'cache_requests_total{{result="{result}",technique="caching",variant="optimized"}}'
        assert counted[name] == 1


async def test_a_changed_page_is_always_a_miss_and_the_same_page(
    redis: Redis, client_of: ClientOf
) -> None:
    client = await client_of("caching")
    query = {"id": 7, "changed": 100}
    answers = [
        await (await client.get(f"/caching/{variant}", params=query)).json()
        for variant in ("naive", "optimized", "optimized", "optimized")
    ]
    assert all(each == answers[0] for each in answers)
    counted = await samples(client)
    name = 'cache_requests_total{{result="{}",technique="caching",variant="optimized"}}'
    assert counted[name.format("miss")] == 3
    assert name.format("hit") not in counted


async def test_a_changed_page_is_answered_while_the_cache_is_away(client_of: ClientOf) -> None:
    client = await client_of("caching", redis_port=1)
    response = await client.get("/caching/optimized", params={"id": 7, "changed": 100})
    assert response.status == 200


async def test_a_change_shows_in_the_next_read_of_both_variants(
    redis: Redis, client_of: ClientOf
) -> None:
    client = await client_of("caching")
    before = await page(client, "optimized", 8)
    for title in ("A new title", before["title"]):
        response = await client.put("/caching/posts/8", json={"title": title})
        assert response.status == 200
        for variant in ("optimized", "naive"):
            assert await page(client, variant, 8) == {**before, "title": title}


@pytest.mark.parametrize(
    "body",
    ["", "no json", "[]", "{}", '{"titel": "x"}', '{"title": 1}', '{"title": ""}',
     '{"title": "a\\u0000b"}', '{"title": "' + "x" * 201 + '"}'],
)  # fmt: skip
async def test_a_malformed_change_is_refused_and_changes_nothing(
    redis: Redis, client_of: ClientOf, body: str
) -> None:
    client = await client_of("caching")
    before = await page(client, "naive", 9)
    response = await client.put("/caching/posts/9", data=body)
    assert response.status == 400
    assert await page(client, "naive", 9) == before


async def test_a_body_that_is_not_what_its_headers_say_is_refused(
    redis: Redis, client_of: ClientOf
) -> None:
    client = await client_of("caching")
    headers = {"Content-Encoding": "gzip"}
    response = await client.put("/caching/posts/9", data=b"no gzip", headers=headers)
    assert response.status == 400


@pytest.mark.parametrize(("number", "status"), [("0", 400), ("x", 400), ("999999", 404)])
async def test_a_change_of_no_post_is_refused(
    redis: Redis, client_of: ClientOf, number: str, status: int
) -> None:
    client = await client_of("caching")
    response = await client.put(f"/caching/posts/{number}", json={"title": "x"})
    assert response.status == status


@pytest.mark.parametrize("variant", ["naive", "optimized"])
async def test_a_post_that_does_not_exist_is_not_found(
    redis: Redis, client_of: ClientOf, variant: str
) -> None:
    client = await client_of("caching")
    assert (await client.get(f"/caching/{variant}", params={"id": 999_999})).status == 404


async def test_with_the_cache_away_reads_come_from_the_database(client_of: ClientOf) -> None:
    client = await client_of("caching", redis_port=1)
    assert await page(client, "optimized", 5) == await page(client, "naive", 5)


async def test_with_the_cache_away_a_change_is_refused_and_not_made(client_of: ClientOf) -> None:
    client = await client_of("caching", redis_port=1)
    before = await page(client, "naive", 6)
    response = await client.put("/caching/posts/6", json={"title": "never"})
    assert response.status == 503
    assert response.headers["Retry-After"]
    assert await page(client, "naive", 6) == before


async def test_a_reader_that_loaded_before_a_write_does_not_bring_back_the_old_value(
    redis: Redis,
) -> None:
    reader, writer = cache_of(redis), cache_of(redis)
    loading, written = asyncio.Event(), asyncio.Event()

    async def load_slowly() -> bytes:
        loading.set()
        await written.wait()
        return b"old"

    reading = asyncio.create_task(reader.get("key", load_slowly))
    await loading.wait()
    await writer.invalidate("key")
    written.set()
    assert (await reading)[0] == b"old"

    async def load_new() -> bytes:
        return b"new"

    assert await reader.get("key", load_new) == (b"new", Outcome.MISS)
    assert await reader.get("key", load_slowly) == (b"new", Outcome.HIT)


async def test_an_evicted_lease_costs_a_load_and_nothing_else(redis: Redis) -> None:
    cache = cache_of(redis)

    async def load_while_everything_is_evicted() -> bytes:
        await redis.flushdb()
        return b"value"

    for _ in range(2):
        outcome = await cache.get("key", load_while_everything_is_evicted)
        assert outcome == (b"value", Outcome.MISS)


async def test_many_misses_of_one_key_are_one_load(redis: Redis) -> None:
    cache = cache_of(redis)
    loads = 0

    async def load() -> bytes:
        nonlocal loads
        loads += 1
        return b"value"

    results = await asyncio.gather(*(cache.get("key", load) for _ in range(50)))
    assert loads == 1
    assert {value for value, _ in results} == {b"value"}
    assert [outcome for _, outcome in results].count(Outcome.MISS) == 1


async def test_a_failed_load_is_passed_on_and_not_stored(redis: Redis) -> None:
    cache = cache_of(redis)

    async def fail() -> bytes:
        raise LookupError("no such thing")

    with pytest.raises(LookupError):
        await cache.get("key", fail)
    assert await redis.get("{test:1:key}:value") is None
