"""Pagination over HTTP: equal pages from all variants, each row once, and only signed cursors."""

import asyncio
import re
from collections.abc import Callable, Iterator
from itertools import product
from random import Random
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import pytest
from pydantic import SecretStr

from services.pagination.cursor import RowCursor, Side
from services.pagination.keyset import index_range
from services.pagination.listing import ORDERS, Listing
from services.pagination.technique import ESTIMATED, EXACT, NONE, TOTALS
from tests.conftest import Client, ClientOf, samples

Execute = Callable[..., list[tuple[Any, ...]]]
Page = dict[str, Any]

VARIANTS = ("naive", "optimized", "offset")
RELATIONS = ("first", "prev", "next", "last")
#: The author of most posts in the small data set, and an author without posts.
BUSY_AUTHOR, MISSING_AUTHOR = 1, 999_999

each_variant = pytest.mark.parametrize("variant", VARIANTS)
each_order = pytest.mark.parametrize("order", ORDERS)


async def page(client: Client, variant: str, reference: str) -> Page:
    response = await client.get(f"/pagination/{variant}{reference}")
    assert response.status == 200, await response.text()
    document: Page = await response.json()
    return document


async def same_page(client: Client, reference: str) -> Page:
    """The page, after asserting that all variants answer with it."""
    pages = await asyncio.gather(*(page(client, variant, reference) for variant in VARIANTS))
    assert pages[0] == pages[1] == pages[2], reference
    return pages[0]


async def walk(client: Client, variant: str, reference: str | None, relation: str) -> list[Page]:
    pages = []
    while reference is not None:
        pages.append(await page(client, variant, reference))
        reference = pages[-1]["links"][relation]
    return pages


async def problem(client: Client, variant: str, **query: object) -> dict[str, Any]:
    """The problem document of a request that is refused with status 400."""
    text = {name: str(value) for name, value in query.items()}
    response = await client.get(f"/pagination/{variant}", params=text)
    assert response.status == 400, query
    document: dict[str, Any] = await response.json(content_type="application/problem+json")
    return document


def ids(pages: list[Page]) -> list[int]:
    return [item["id"] for each in pages for item in each["items"]]


def token(reference: str) -> str:
    (cursor,) = parse_qs(urlsplit(reference).query)["cursor"]
    return cursor


@pytest.fixture
def newest_first(execute: Execute) -> list[int]:
    rows = execute("SELECT id FROM posts ORDER BY created_at DESC, id DESC")
    return [number for (number,) in rows]


@pytest.fixture
def insert(execute: Execute) -> Iterator[Callable[[str, str], int]]:
    """Insert posts with a title and a creation time (an SQL expression) until the test ends."""
    inserted: list[int] = []

    def insert_post(title: str, created_at: str) -> int:
        ((number,),) = execute(
            "INSERT INTO posts (author_id, title, body, created_at)"
            f" VALUES ({BUSY_AUTHOR}, %s, 'new', {created_at}) RETURNING id",
            title,
        )
        inserted.append(number)
        return int(number)

    yield insert_post
    execute("DELETE FROM posts WHERE id = ANY (%s)", inserted)


@each_variant
@each_order
async def test_following_next_returns_each_post_once_in_order(
    client_of: ClientOf, execute: Execute, variant: str, order: str
) -> None:
    client = await client_of("pagination")
    pages = await walk(client, variant, f"?limit=70&order={order}", "next")
    order_by = ORDERS[order].order_by()
    assert ids(pages) == [number for (number,) in execute(f"SELECT id FROM posts {order_by}")]
    assert {each["total"] for each in pages} == {None}


@each_variant
@each_order
async def test_following_prev_from_the_last_page_returns_the_same_pages(
    client_of: ClientOf, variant: str, order: str
) -> None:
    client = await client_of("pagination")
    forward = await walk(client, variant, f"?limit=70&order={order}&total=exact", "next")
    backward = await walk(client, variant, forward[0]["links"]["last"], "prev")
    assert [each["items"] for each in reversed(backward)] == [each["items"] for each in forward]
    assert backward[-1]["links"]["next"] == forward[0]["links"]["next"]


@pytest.mark.parametrize("seed", range(12))
async def test_all_variants_show_the_same_pages_on_a_random_walk(
    client_of: ClientOf, seed: int
) -> None:
    client = await client_of("pagination")
    random = Random(seed)
    for order, total in product(ORDERS, TOTALS):
        author = random.choice((0, 0, BUSY_AUTHOR, random.randint(1, 200), MISSING_AUTHOR))
        rows = random.choice((1_000_000_000, random.randint(1, 1200)))
        limit = random.choice((1, 7, 100))
        reference = f"?order={order}&total={total}&author={author}&rows={rows}&limit={limit}"
        for _ in range(8):
            shown = await same_page(client, reference)
            reference = random.choice([each for each in shown["links"].values() if each])
            if random.random() < 0.3:
                reference = re.sub(r"limit=\d+", f"limit={random.randint(1, 100)}", reference)


@pytest.mark.parametrize("author", [BUSY_AUTHOR, MISSING_AUTHOR])
@each_order
async def test_the_author_filter_selects_the_posts_of_one_author(
    client_of: ClientOf, execute: Execute, order: str, author: int
) -> None:
    client = await client_of("pagination")
    reference = f"?author={author}&order={order}&limit=2&total=exact"
    pages = await walk(client, "optimized", reference, "next")
    select = f"SELECT id FROM posts WHERE author_id = %s {ORDERS[order].order_by()}"
    expected = [number for (number,) in execute(select, author)]
    assert ids(pages) == expected
    assert {each["total"] for each in pages} == {len(expected)}


@each_variant
async def test_each_kind_of_total_is_returned(
    client_of: ClientOf, newest_first: list[int], execute: Execute, variant: str
) -> None:
    execute("ANALYZE posts")
    client = await client_of("pagination")
    totals = [(await page(client, variant, f"?total={total}"))["total"] for total in TOTALS]
    assert totals == [len(newest_first), len(newest_first), None]


async def test_the_rows_of_a_page_correct_an_estimated_total(
    client_of: ClientOf, execute: Execute
) -> None:
    client = await client_of("pagination")
    ((count,),) = execute("SELECT count(*) FROM posts WHERE author_id = %s", BUSY_AUTHOR)
    filtered = await same_page(client, f"?total=estimated&limit=100&author={BUSY_AUTHOR}")
    assert filtered["total"] == count == len(filtered["items"])
    assert (await same_page(client, f"?total=estimated&author={MISSING_AUTHOR}"))["total"] == 0


async def test_a_new_post_is_first_and_increases_the_total(
    client_of: ClientOf, newest_first: list[int], insert: Callable[[str, str], int]
) -> None:
    client = await client_of("pagination")
    number = insert("new", "now()")
    first = await same_page(client, "?limit=5&total=exact")
    assert first["total"] == len(newest_first) + 1
    assert first["items"][0]["id"] == number


@pytest.mark.parametrize(("total", "statements"), [(NONE, 1), (ESTIMATED, 2), (EXACT, 2)])
async def test_keyset_sends_one_statement_per_page_and_one_per_total(
    client_of: ClientOf, total: str, statements: int
) -> None:
    client = await client_of("pagination")
    pages = await walk(client, "optimized", f"?limit=100&total={total}", "next")
    name = 'db_client_operations_total{outcome="ok",technique="pagination",variant="optimized"}'
    assert (await samples(client))[name] == statements * len(pages)


@each_order
@pytest.mark.parametrize("author", [0, BUSY_AUTHOR])
@pytest.mark.parametrize("side", [None, *Side])
def test_each_page_is_read_from_an_index_without_sorting(
    execute: Execute, order: str, author: int, side: Side | None
) -> None:
    # The planner would scan such a small table. Forbid that, to see the plan of a large table.
    execute("SET enable_seqscan = off")
    execute("SET enable_bitmapscan = off")
    key = "M" if order == "title" else "2020-01-01"
    cursor = RowCursor(side, 40, key, 42) if side else None
    listing = Listing(order, author)
    read = index_range(listing.sort_order, cursor, 20)
    statement = listing.select(
        read.order_by, read.maximum_rows, conditions=read.conditions, parameters=read.parameters
    )
    plan = "\n".join(
        line for (line,) in execute(f"EXPLAIN {statement.text}", *statement.parameters)
    )
    column = "title" if order == "title" else "created_at"
    assert f"using posts_{'author_id_' if author else ''}{column}_id on posts" in plan
    assert "Sort" not in plan
    assert "Filter" not in plan
    assert ("ROW(" in plan) == (side is not None)


@pytest.mark.parametrize("relation", ["next", "prev"])
@each_order
async def test_keyset_neither_skips_nor_repeats_a_row_while_rows_are_inserted(
    client_of: ClientOf,
    newest_first: list[int],
    insert: Callable[[str, str], int],
    order: str,
    relation: str,
) -> None:
    client = await client_of("pagination")
    random = Random(f"{order} {relation}")
    first = await page(client, "optimized", f"?limit=60&order={order}&total=exact")
    reference = first["links"]["last"] if relation == "prev" else "?limit=60&order=" + order
    pages = []
    while reference:
        pages.append(await page(client, "optimized", reference))
        reference = pages[-1]["links"][relation]
        for days in (-1, random.randint(1, 3649), 4000):
            title = f"{random.choice('AaMmZz~')}{random.random()}"
            insert(title, f"timestamptz '2015-01-01' + {days} * interval '1 day'")
    met = ids(pages)
    assert len(met) == len(set(met))
    assert set(newest_first) < set(met)


async def test_following_prev_reaches_posts_inserted_before_the_first_page(
    client_of: ClientOf, newest_first: list[int], insert: Callable[[str, str], int]
) -> None:
    client = await client_of("pagination")
    second = (await page(client, "optimized", "?limit=20"))["links"]["next"]
    back = (await page(client, "optimized", second))["links"]["prev"]
    new = {insert("new", "now()") for _ in range(25)}
    pages = await walk(client, "optimized", back, "prev")
    assert set(ids(pages)) == new | set(newest_first[:20])


async def test_titles_with_a_common_prefix_and_special_characters_appear_once(
    client_of: ClientOf, insert: Callable[[str, str], int]
) -> None:
    client = await client_of("pagination")
    begin = "~\u00e9\U0001f600%s'\"\\\x01" + "\U0001f600" * 80
    new = {insert(begin + end * 3000, "now()") for end in "aaAZ\u00e9 "}
    new |= {insert(begin[:length], "now()") for length in (1, 9, 63, 64, 65)}
    reference = "?order=title&total=exact&limit=1"
    reference = (await same_page(client, reference))["links"]["last"]
    met = []
    for _ in new:
        shown = await same_page(client, reference)
        met += ids([shown])
        reference = shown["links"]["prev"]
    assert set(met) == new
    assert len(met) == len(new)


@pytest.mark.parametrize("rows", [1, 95, 999, 1000, 1001])
async def test_a_list_that_ends_before_the_table_is_the_same_for_all_variants(
    client_of: ClientOf, newest_first: list[int], rows: int
) -> None:
    client = await client_of("pagination")
    reference = f"?limit=90&rows={rows}&total=exact"
    walks = [await walk(client, variant, reference, "next") for variant in VARIANTS]
    assert walks[0] == walks[1] == walks[2]
    assert ids(walks[0]) == newest_first[:rows]
    assert walks[0][0]["total"] == min(rows, 1000)
    assert (walks[0][0]["links"]["last"] is None) == (rows <= 1000)


@each_variant
async def test_the_header_link_equals_the_links_of_the_body(
    client_of: ClientOf, variant: str
) -> None:
    client = await client_of("pagination")
    reference = (await page(client, variant, "?limit=7&total=exact"))["links"]["next"]
    response = await client.get(f"/pagination/{variant}{reference}")
    links = (await response.json())["links"]
    assert tuple(response.links) == RELATIONS
    for relation, link in response.links.items():
        # aiohttp has resolved the link against the URL of the request, as RFC 8288 demands.
        address = urljoin(str(response.url), links[relation])
        assert str(link["url"]) == address
        assert (await client.get(address.removeprefix(str(client.make_url(""))))).status == 200


@pytest.mark.parametrize("total", [NONE, ESTIMATED])
async def test_without_an_exact_total_there_is_no_link_to_the_last_page(
    client_of: ClientOf, total: str
) -> None:
    client = await client_of("pagination")
    shown = await same_page(client, f"?total={total}&limit=7")
    assert shown["links"]["last"] is None
    assert shown["links"]["next"]


async def test_links_keep_the_parameters_of_the_list(client_of: ClientOf) -> None:
    client = await client_of("pagination")
    query = f"limit=1&order=title&author={BUSY_AUTHOR}&total=exact&rows=900"
    shown = await same_page(client, f"?{query}")
    assert shown["links"]["first"] == f"?{query}"
    assert shown["links"]["next"].endswith(f"&{query}")
    assert (await same_page(client, "?limit=20"))["links"]["first"] == "?limit=20"


async def test_a_cursor_with_one_flipped_bit_is_refused(client_of: ClientOf) -> None:
    client = await client_of("pagination")
    cursor = token((await page(client, "optimized", ""))["links"]["next"]).encode("ascii")
    for bit in range(8 * len(cursor)):
        flipped = bytearray(cursor)
        flipped[bit // 8] ^= 1 << bit % 8
        refused = await problem(client, "optimized", cursor=flipped.decode("latin-1"))
        assert refused["parameter"] == "cursor"


@each_variant
@pytest.mark.parametrize("cursor", ["x", "AAAA", "A" * 34, "_" * 34, "A" * 640, "A" * 641])
async def test_a_cursor_that_was_never_signed_is_refused(
    client_of: ClientOf, variant: str, cursor: str
) -> None:
    client = await client_of("pagination")
    assert (await problem(client, variant, cursor=cursor))["parameter"] == "cursor"


@each_variant
async def test_a_cursor_is_refused_by_every_other_list(client_of: ClientOf, variant: str) -> None:
    client = await client_of("pagination")
    lists = [{"order": order} for order in ORDERS]
    lists += [{"author": str(BUSY_AUTHOR)}, {"author": "2"}, {"rows": "900"}, {"rows": "901"}]
    cursors = []
    for each in lists:
        response = await client.get(f"/pagination/{variant}", params={"limit": "1", **each})
        cursors.append(token((await response.json())["links"]["next"]))
    for (number, cursor), (other, query) in product(enumerate(cursors), enumerate(lists)):
        if number == other:
            own = {"cursor": cursor, **query}
            assert (await client.get(f"/pagination/{variant}", params=own)).status == 200
        else:
            refused = await problem(client, variant, cursor=cursor, **query)
            assert refused["parameter"] == "cursor"


async def test_a_cursor_is_valid_with_another_limit_and_another_total(
    client_of: ClientOf,
) -> None:
    client = await client_of("pagination")
    cursor = token((await page(client, "optimized", "?limit=20"))["links"]["next"])
    shown = await same_page(client, f"?cursor={cursor}&limit=3&total=exact")
    assert len(shown["items"]) == 3


async def test_without_a_shared_secret_a_link_is_valid_in_one_process_only(
    client_of: ClientOf,
) -> None:
    one, other = [await client_of("pagination") for _ in range(2)]
    cursor = token((await page(one, "optimized", ""))["links"]["next"])
    assert (await problem(other, "optimized", cursor=cursor))["parameter"] == "cursor"


async def test_processes_with_a_shared_secret_accept_each_others_links(
    client_of: ClientOf,
) -> None:
    changes = {"cursor_secret": SecretStr("shared")}
    one, other = [await client_of("pagination", **changes) for _ in range(2)]
    reference = (await page(one, "optimized", ""))["links"]["next"]
    assert await page(other, "naive", reference) == await page(one, "optimized", reference)


@pytest.mark.parametrize(
    ("name", "value"), [("limit", 101), ("limit", 0), ("order", "random()"), ("total", "all")]
)
async def test_a_parameter_out_of_bounds_is_refused(
    client_of: ClientOf, name: str, value: object
) -> None:
    client = await client_of("pagination")
    assert (await problem(client, "optimized", **{name: value}))["parameter"] == name
