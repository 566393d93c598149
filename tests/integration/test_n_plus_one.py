"""N+1 queries, counted by the service."""

from typing import Any

import pytest

from tests.conftest import Client, ClientOf, samples


async def statements(client: Client, variant: str) -> float:
    name = f'db_client_operations_total{{outcome="ok",technique="n-plus-one",variant="{variant}"}}'
    return (await samples(client)).get(name, 0)


async def read(client: Client, variant: str, **query: int) -> list[dict[str, Any]]:
    response = await client.get(f"/n-plus-one/{variant}", params=query)
    posts: list[dict[str, Any]] = (await response.json())["posts"]
    return posts


@pytest.mark.parametrize("count", [1, 10, 50])
async def test_naive_sends_a_query_per_post_and_per_comment(
    client_of: ClientOf, count: int
) -> None:
    client = await client_of("n-plus-one")
    posts = await read(client, "naive", posts=count, start=100)
    comments = sum(len(post["comments"]) for post in posts)
    assert len(posts) == count
    assert await statements(client, "naive") == 1 + count + comments


@pytest.mark.parametrize("count", [1, 10, 50])
async def test_optimized_sends_two_queries_however_many_posts(
    client_of: ClientOf, count: int
) -> None:
    client = await client_of("n-plus-one")
    await read(client, "optimized", posts=count, start=100)
    assert await statements(client, "optimized") == 2


async def test_past_the_last_post_there_is_an_empty_list(client_of: ClientOf) -> None:
    client = await client_of("n-plus-one")
    for variant in ("naive", "optimized"):
        assert await read(client, variant, start=1_000_000) == []


@pytest.mark.parametrize("variant", ["naive", "optimized"])
async def test_an_empty_list_takes_one_query(client_of: ClientOf, variant: str) -> None:
    client = await client_of("n-plus-one")
    assert await read(client, variant, posts=0) == []
    assert await statements(client, variant) == 1
