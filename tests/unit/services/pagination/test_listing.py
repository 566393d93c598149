"""Lists of posts: their identities and their SQL statements."""

from itertools import product

import pytest

from services.pagination.listing import ANY_AUTHOR, ORDERS, Listing, Statement, item_of
from services.pagination.technique import TECHNIQUE

LISTINGS = [
    Listing(order, author, rows)
    for order, author, rows in product(ORDERS, (0, 1, 11), (None, 1, 11, 1_000_000_000))
]


def test_different_lists_have_different_identities() -> None:
    assert len({listing.identity for listing in LISTINGS}) == len(LISTINGS)


@pytest.mark.parametrize("listing", LISTINGS, ids=str)
def test_values_of_a_request_are_parameters_and_never_part_of_the_sql(listing: Listing) -> None:
    order_by = listing.sort_order.order_by()
    select = listing.select(order_by, 20, conditions=["posts.id > %s"], parameters=[77])
    for statement in (select, listing.count(), listing.plan()):
        assert statement.text.count("%s") == len(statement.parameters)
    values = (listing.author, 77, 20, 0) if listing.author else (77, 20, 0)
    assert select.parameters == values


def test_each_declared_order_exists() -> None:
    (choices,) = [each.schema()["enum"] for each in TECHNIQUE.parameters if each.name == "order"]
    assert choices == list(ORDERS)


@pytest.mark.parametrize(("maximum_rows", "bounded"), [(None, 50), (10, 10), (60, 50)])
def test_a_count_is_bounded_by_the_maximum_length_of_the_list(
    maximum_rows: int | None, bounded: int
) -> None:
    assert Listing("newest", maximum_rows=maximum_rows).bounded_count(50) == bounded


def test_a_plan_is_an_explain_statement_that_reads_no_row() -> None:
    assert Listing("newest", 7).plan() == Statement(
        "EXPLAIN (FORMAT JSON) SELECT FROM posts WHERE posts.author_id = %s", (7,)
    )


def test_a_count_reads_at_most_the_maximum_length_of_the_list() -> None:
    statement = Listing("newest", author=7, maximum_rows=30).count()
    assert statement.text.endswith("WHERE posts.author_id = %s LIMIT %s) AS counted")
    assert statement.parameters == (7, 30)


@pytest.mark.parametrize(
    ("order", "order_by"),
    [
        ("newest", "ORDER BY posts.created_at DESC, posts.id DESC"),
        ("oldest", "ORDER BY posts.created_at ASC, posts.id ASC"),
        ("title", "ORDER BY left(posts.title, 64) ASC, posts.id ASC"),
    ],
)
def test_each_order_sorts_by_its_indexed_expressions(order: str, order_by: str) -> None:
    assert Listing(order).sort_order.order_by() == order_by


def test_a_list_starts_at_its_first_row_unless_an_offset_is_given() -> None:
    listing = Listing("newest")
    order_by = listing.sort_order.order_by()
    assert listing.select(order_by, 20).parameters == (20, 0)
    assert listing.select(order_by, None, offset=40).parameters == (None, 40)


def test_an_item_shows_the_post_without_the_sort_key() -> None:
    row = ("key", 7, "Title", "2020-02-29", 3, "Ann")
    assert item_of(row) == {
        "id": 7,
        "title": "Title",
        "created_at": "2020-02-29",
        "author": {"id": 3, "name": "Ann"},
    }


def test_the_default_author_selects_the_posts_of_all_authors() -> None:
    (default,) = [each.default for each in TECHNIQUE.parameters if each.name == "author"]
    assert default == ANY_AUTHOR
    assert Listing("newest", ANY_AUTHOR).plan().parameters == ()


def test_a_select_statement_reads_the_sort_key_then_the_columns_of_the_item() -> None:
    listing = Listing("title", author=7)
    statement = listing.select("ORDER BY key", 20, conditions=["id > %s"], parameters=[3])
    assert " ".join(statement.text.split()) == (
        "SELECT left(posts.title, 64), posts.id, posts.title, posts.created_at, authors.id,"
        " authors.name FROM posts JOIN authors ON authors.id = posts.author_id"
        " WHERE posts.author_id = %s AND id > %s ORDER BY key LIMIT %s OFFSET %s"
    )
