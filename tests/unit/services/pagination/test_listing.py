"""Lists: each has an identity of its own, and statements that hold no value of a request."""

from itertools import product

import pytest

from services.pagination.listing import ORDERS, Listing, Statement
from services.pagination.technique import TECHNIQUE

LISTINGS = [
    Listing(order, author, rows)
    for order, author, rows in product(ORDERS, (0, 1, 11), (None, 1, 11, 1_000_000_000))
]


def test_no_two_lists_are_the_same() -> None:
    assert len({listing.identity for listing in LISTINGS}) == len(LISTINGS)


@pytest.mark.parametrize("listing", LISTINGS, ids=str)
def test_what_a_request_says_is_a_value_and_never_part_of_the_statement(listing: Listing) -> None:
    order_by = listing.sorting.clause()
    select = listing.select(order_by, 20, conditions=["posts.id > %s"], parameters=[77])
    for statement in (select, listing.count(), listing.plan()):
        assert statement.text.count("%s") == len(statement.parameters)
    values = (listing.author, 77, 20, 0) if listing.author else (77, 20, 0)
    assert select.parameters == values


def test_each_order_that_the_technique_declares_is_there() -> None:
    (choices,) = [each.schema()["enum"] for each in TECHNIQUE.parameters if each.name == "order"]
    assert choices == list(ORDERS)


@pytest.mark.parametrize(("rows", "shortened"), [(None, 50), (10, 10), (60, 50)])
def test_a_list_has_no_more_rows_than_pass_its_filter(rows: int | None, shortened: int) -> None:
    assert Listing("newest", rows=rows).shortened(50) == shortened


def test_a_plan_reads_no_row() -> None:
    assert Listing("newest", 7).plan() == Statement(
        "EXPLAIN (FORMAT JSON) SELECT FROM posts WHERE posts.author_id = %s", (7,)
    )
