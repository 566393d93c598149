"""Pagination: the same walk through every variant."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

import json
from services.pagination.technique import TECHNIQUE
from tests.conftest import Client, ClientOf

Execute = Callable[..., list[tuple[Any, ...]]]
Page = dict[str, Any]

VARIANTS = ("naive", "optimized", "offset")

each_variant = pytest.mark.parametrize("variant", VARIANTS)


async def page(client: Client, variant: str, reference: str) -> Page:
    response = await client.get(f"/pagination/{variant}{reference}")
    assert response.status == 200, await response.text()
    document: Page = await response.json()
    return document


async def walk(client: Client, variant: str, reference: str | None, relation: str) -> list[Page]:
    pages = []
    while reference is not None:
        pages.append(await page(client, variant, reference))
        reference = pages[-1]["links"][relation]
    return pages


def numbers(pages: list[Page]) -> list[int]:
    return [item["id"] for each in pages for item in each["items"]]


@pytest.fixture
def newest_first(execute: Execute) -> list[int]:
    rows = execute("SELECT id FROM posts ORDER BY created_at DESC, id DESC")
    return [number for (number,) in rows]


@pytest.fixture
def another_post(execute: Execute) -> Iterator[int]:
    ((number,),) = execute(
        "INSERT INTO posts (author_id, title, body, created_at)"
        " VALUES (1, 'new', 'new', now()) RETURNING id"
    )
    yield number
    execute("DELETE FROM posts WHERE id = %s", number)


@each_variant
async def test_walking_forward_meets_each_post_once_in_order(
    client_of: ClientOf, variant: str, newest_first: list[int]
) -> None:
    client = await client_of("pagination")
    pages = await walk(client, variant, "?limit=70", "next")
    assert numbers(pages) == newest_first
    assert {each["total"] for each in pages} == {len(newest_first)}


@each_variant
async def test_walking_back_from_the_last_page_meets_the_same_pages(
    client_of: ClientOf, variant: str
) -> None:
    client = await client_of("pagination")
    forward = await walk(client, variant, "?limit=70", "next")
    backward = await walk(client, variant, forward[0]["links"]["last"], "prev")
    assert [each["items"] for each in reversed(backward)] == [each["items"] for each in forward]


async def test_all_variants_give_the_same_pages_with_the_same_links(client_of: ClientOf) -> None:
    client = await client_of("pagination")
    reference: str | None = "?limit=90"
    while reference:
        pages = [await page(client, variant, reference) for variant in VARIANTS]
        assert pages[0] == pages[1] == pages[2]
        reference = pages[0]["links"]["next"]
    assert pages[0]["links"]["prev"]


async def test_a_limit_that_changes_on_the_way_keeps_the_variants_together(
    client_of: ClientOf,
) -> None:
    client = await client_of("pagination")
    links = (await page(client, "optimized", "?limit=30"))["links"]
    second = (await page(client, "optimized", links["next"]))["links"]
    for reference in (links["next"], links["last"], second["prev"]):
        changed = reference.replace("limit=30", "limit=7")
        pages = [await page(client, variant, changed) for variant in VARIANTS]
        assert pages[0] == pages[1] == pages[2]
        assert len(pages[0]["items"]) == 7


@each_variant
async def test_the_total_counts_a_new_post(
    client_of: ClientOf, variant: str, newest_first: list[int], another_post: int
) -> None:
    client = await client_of("pagination")
    first = await page(client, variant, "?limit=5")
    assert first["total"] == len(newest_first) + 1
    assert first["items"][0]["id"] == another_post


async def test_keyset_loses_and_doubles_no_row_when_one_is_inserted_on_the_way(
    client_of: ClientOf, newest_first: list[int], execute: Execute
) -> None:
    client = await client_of("pagination")
    first = await page(client, "optimized", "?limit=100")
    ((number,),) = execute(
        "INSERT INTO posts (author_id, title, body, created_at)"
        " VALUES (1, 'new', 'new', now()) RETURNING id"
    )
    try:
        rest = await walk(client, "optimized", first["links"]["next"], "next")
    finally:
        execute("DELETE FROM posts WHERE id = %s", number)
    assert numbers([first, *rest]) == newest_first


@pytest.mark.parametrize("rows", [1, 95, 999, 1000, 1001])
async def test_a_list_may_end_before_the_table_for_all_variants_alike(
    client_of: ClientOf, newest_first: list[int], rows: int
) -> None:
    client = await client_of("pagination")
    walks = [await walk(client, variant, f"?limit=90&rows={rows}", "next") for variant in VARIANTS]
    assert walks[0] == walks[1] == walks[2]
    assert numbers(walks[0]) == newest_first[:rows]
    assert walks[0][0]["total"] == min(rows, 1000)
    assert (walks[0][0]["links"]["last"] is None) == (rows <= 1000)


@pytest.mark.parametrize("relation", ["next", "prev", "last"])
async def test_a_cursor_that_leads_past_the_end_of_a_list_is_cut_off_there(
    client_of: ClientOf, relation: str
) -> None:
    client = await client_of("pagination")
    second = (await page(client, "optimized", "?limit=30"))["links"]["next"]
    third = (await page(client, "optimized", second))["links"]["next"]
    reference = (await page(client, "optimized", third))["links"][relation]
    for rows in (20, 45, 70):
        pages = [await page(client, variant, f"{reference}&rows={rows}") for variant in VARIANTS]
        assert pages[0] == pages[1] == pages[2]
        assert pages[0]["total"] == rows


def test_no_page_may_be_longer_than_a_cursor_can_count() -> None:
    assert TECHNIQUE.swept()["limit"].maximum == MAXIMUM_ROWS


@each_variant
async def test_a_made_up_cursor_cannot_ask_for_the_whole_list(
    client_of: ClientOf, variant: str
) -> None:
    client = await client_of("pagination")
    cursor = Cursor(Direction.END, 0, Key(EPOCH, 10**12)).encode()
    response = await client.get(f"/pagination/{variant}", params={"cursor": cursor})
    assert response.status == 400


@each_variant
@pytest.mark.parametrize("cursor", ["x", "AAAA", "A" * 34, "_" * 34, "AQAAAAAAAAAB"])
async def test_a_cursor_that_was_never_handed_out_is_refused(
    client_of: ClientOf, variant: str, cursor: str
) -> None:
    client = await client_of("pagination")
    response = await client.get(f"/pagination/{variant}", params={"cursor": cursor})
    assert response.status == 400
    problem = await response.json(content_type="application/problem+json")
    assert problem["parameter"] == "cursor"
