"""The total of a list, and the document with a page."""

from collections.abc import Sequence

import pytest

from services.pagination.cursor import LastPageCursor, encode_cursor
from services.pagination.list_page import Page, Row
from services.pagination.listing import Listing, Statement
from services.pagination.page_request import PageRequest
from services.pagination.page_response import page_document, total_of
from services.pagination.signer import Signer
from services.pagination.technique import ESTIMATED, EXACT, NONE

SIGNER = Signer(b"key")
COUNT = Statement("SELECT 50", ())
ROWS: list[Row] = [("key", number, f"Post {number}", "2020", 1, "Ann") for number in range(3)]


def wanted(total: str, maximum_rows: int | None = None) -> PageRequest:
    return PageRequest(Listing("newest", maximum_rows=maximum_rows), None, 3, total)


async def fetch(text: str, parameters: Sequence[object]) -> list[Row]:
    """The rows of the two statements that read a total: the count is 50, the estimate 40."""
    return [(50,)] if text == COUNT.text else [([{"Plan": {"Plan Rows": 40}}],)]


async def fetch_nothing(text: str, parameters: Sequence[object]) -> list[Row]:
    raise AssertionError(text)


@pytest.mark.parametrize(
    ("total", "maximum_rows", "expected"),
    [
        (EXACT, None, 50),
        (EXACT, 10, 10),
        (EXACT, 60, 50),
        (ESTIMATED, None, 40),
        (ESTIMATED, 10, 10),
        (NONE, None, None),
    ],
)
async def test_the_total_is_of_the_kind_that_the_request_asks_for(
    total: str, maximum_rows: int | None, expected: int | None
) -> None:
    page = Page(ROWS, 0, has_more=True)
    assert await total_of(fetch, wanted(total, maximum_rows), page, COUNT) == expected


async def test_the_rows_of_the_page_correct_an_estimate() -> None:
    last = Page(ROWS, 6, has_more=False)
    assert await total_of(fetch, wanted(ESTIMATED), last, COUNT) == 9


async def test_no_statement_is_sent_if_the_total_is_known_or_not_requested() -> None:
    page = Page(ROWS, 0, has_more=True)
    assert await total_of(fetch_nothing, wanted(NONE), page, COUNT) is None
    assert await total_of(fetch_nothing, wanted(EXACT), page, 7) == 7
    assert await total_of(fetch_nothing, wanted(EXACT), page, 0) == 0


def test_a_document_has_items_total_and_links() -> None:
    document = page_document(wanted(EXACT), Page(ROWS, 0, has_more=True), 50, SIGNER)
    assert [item["id"] for item in document["items"]] == [0, 1, 2]
    assert document["total"] == 50
    last = SIGNER.sign(encode_cursor(LastPageCursor(48, 2)), Listing("newest").identity)
    assert document["links"]["last"] == f"?cursor={last}&limit=3&total=exact"
    assert document["links"]["prev"] is None
    assert document["links"]["next"]


@pytest.mark.parametrize(
    ("total", "maximum_rows", "count", "has_last"),
    [
        (EXACT, None, 50, True),
        (EXACT, 60, 50, True),  # the table ends before the list would
        (EXACT, 50, 50, False),  # no key leads to the last page
        (EXACT, None, 0, False),
        (ESTIMATED, None, 50, False),
        (NONE, None, None, False),
    ],
)
def test_only_an_exact_total_at_the_end_of_the_table_gives_a_link_to_the_last_page(
    total: str, maximum_rows: int | None, count: int | None, has_last: bool
) -> None:
    page = Page(ROWS[: count if count == 0 else 3], 0, has_more=bool(count))
    document = page_document(wanted(total, maximum_rows), page, count, SIGNER)
    assert (document["links"]["last"] is not None) == has_last
