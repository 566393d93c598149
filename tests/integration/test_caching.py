"""The caching service through its routes, with a real Valkey and a real PostgreSQL."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from redis.asyncio import Redis

from services.caching.technique import TECHNIQUE
from services.chassis.redis_client import connect
from services.settings import Settings
from tests.conftest import Client, ClientOf, samples

VARIANTS = TECHNIQUE.variant_names()


@pytest.fixture
async def redis(settings: Settings) -> AsyncIterator[Redis]:
    client = connect(settings)
    await client.flushdb()
    yield client
    await client.aclose()


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


async def test_a_lookup_with_changed_100_is_always_a_miss_and_returns_the_same_page(
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
    assert counted[name.format("hit")] == 0


async def test_a_lookup_with_changed_100_succeeds_while_redis_is_unreachable(
    client_of: ClientOf,
) -> None:
    client = await client_of("caching", redis_port=1)
    response = await client.get("/caching/optimized", params={"id": 7, "changed": 100})
    assert response.status == 200


async def test_a_change_shows_in_the_next_read_of_every_variant(
    redis: Redis, client_of: ClientOf
) -> None:
    client = await client_of("caching")
    before = await page(client, "optimized", 8)
    for title in ("A new title", before["title"]):
        response = await client.put("/caching/posts/8", json={"title": title})
        assert response.status == 200
        for variant in VARIANTS:
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


async def test_a_body_that_contradicts_its_content_encoding_is_refused(
    redis: Redis, client_of: ClientOf
) -> None:
    client = await client_of("caching")
    headers = {"Content-Encoding": "gzip"}
    response = await client.put("/caching/posts/9", data=b"no gzip", headers=headers)
    assert response.status == 400


@pytest.mark.parametrize(("number", "status"), [("0", 400), ("x", 400), ("999999", 404)])
async def test_a_change_of_an_invalid_or_absent_post_is_refused(
    redis: Redis, client_of: ClientOf, number: str, status: int
) -> None:
    client = await client_of("caching")
    response = await client.put(f"/caching/posts/{number}", json={"title": "x"})
    assert response.status == status


@pytest.mark.parametrize("variant", VARIANTS)
async def test_an_absent_post_is_not_found(redis: Redis, client_of: ClientOf, variant: str) -> None:
    client = await client_of("caching")
    for _ in range(2):
        assert (await client.get(f"/caching/{variant}", params={"id": 999_999})).status == 404


async def test_reads_come_from_postgres_while_redis_is_unreachable(client_of: ClientOf) -> None:
    client = await client_of("caching", redis_port=1)
    assert await page(client, "optimized", 5) == await page(client, "naive", 5)


async def test_a_change_without_redis_shows_in_the_next_read_of_every_variant(
    client_of: ClientOf,
) -> None:
    client = await client_of("caching", redis_port=1)
    before = await page(client, "naive", 6)
    for title in ("A new title", before["title"]):
        response = await client.put("/caching/posts/6", json={"title": title})
        assert response.status == 200
        for variant in VARIANTS:
            assert await page(client, variant, 6) == {**before, "title": title}


async def test_a_client_with_the_current_tag_gets_304_until_the_page_changes(
    redis: Redis, client_of: ClientOf
) -> None:
    client = await client_of("caching")
    query = {"id": 8}
    first = await client.get("/caching/conditional", params=query)
    page = await first.json()
    tag = first.headers["ETag"]
    for given in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        headers = {"If-None-Match": given}
        response = await client.get("/caching/conditional", params=query, headers=headers)
        assert (response.status, await response.read()) == (304, b"")
        for name in ("ETag", "Cache-Control", "Vary"):
            assert response.headers[name] == first.headers[name]
    for title in ("A new title", page["title"]):
        assert (await client.put("/caching/posts/8", json={"title": title})).status == 200
        headers = {"If-None-Match": tag if title != page["title"] else '"other"'}
        response = await client.get("/caching/conditional", params=query, headers=headers)
        assert (response.status, (await response.json())["title"]) == (200, title)
    assert response.headers["ETag"] == tag  # the page has its original bytes again


@pytest.mark.parametrize("given", ["", "no tag", '"', "W/", '"a" "b"', ",,,"])
async def test_an_invalid_if_none_match_is_ignored(
    redis: Redis, client_of: ClientOf, given: str
) -> None:
    client = await client_of("caching")
    response = await client.get("/caching/conditional", headers={"If-None-Match": given})
    assert response.status == 200


async def test_a_head_response_has_tag_and_length(redis: Redis, client_of: ClientOf) -> None:
    client = await client_of("caching")
    response = await client.head("/caching/conditional", params={"id": 8})
    assert (response.status, await response.read()) == (200, b"")
    assert response.headers["ETag"]
    assert int(response.headers["Content-Length"]) > 100


async def test_the_metrics_count_loads_and_show_the_breakers_state(
    redis: Redis, client_of: ClientOf
) -> None:
    client = await client_of("caching")
    for variant in ("optimized", "two-tier"):
        for number in (1, 1, 2):
            await page(client, variant, number)
    counted = await samples(client)
    loads = 'cache_loads_total{reason="miss",technique="caching",variant="optimized"}'
    assert counted[loads] == 2
    hits = 'cache_requests_total{result="hit",technique="caching",variant="two-tier"}'
    assert counted[hits] == 3
    states = {
        state: counted[f'cache_circuit_breaker_state{{state="{state}",technique="caching"}}']
        for state in ("closed", "open", "half-open")
    }
    assert states == {"closed": 1, "open": 0, "half-open": 0}
