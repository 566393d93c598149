"""Pages of a made-up list: the links of each lead to its neighbours."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.pagination.cursor import Span, decode
from services.pagination.page import Page, Row, last_page

NEWEST = datetime(2024, 1, 1, tzinfo=UTC)


def listed(total: int) -> list[Row]:
    """Rows as the database gives them, newest first."""
    return [
        (total - index, f"post {total - index}", NEWEST - timedelta(hours=index), 7, "Ann")
        for index in range(total)
    ]


def page_of(total: int, span: Span, limit: int) -> dict[str, Any]:
    return Page(listed(total)[span.start : span.stop], span.start, total).document(limit)


def follow(page: dict[str, Any], relation: str, total: int, limit: int) -> dict[str, Any]:
    query = parse_qs(urlsplit(page["links"][relation]).query)
    assert query["limit"] == [str(limit)]
    span = decode(query["cursor"][0]).span(limit) if "cursor" in query else Span(0, limit)
    return page_of(total, span, limit)


def ids(page: dict[str, Any]) -> list[int]:
    return [item["id"] for item in page["items"]]


def test_an_item_shows_the_post_with_its_author() -> None:
    assert page_of(1, Span(0, 20), 20)["items"] == [
        {"id": 1, "title": "post 1", "created_at": NEWEST, "author": {"id": 7, "name": "Ann"}}
    ]


def test_the_first_page_has_nothing_before_it() -> None:
    first = page_of(50, Span(0, 20), 20)
    assert first["links"]["prev"] is None
    assert first["links"]["first"] == "?limit=20"
    assert first["total"] == 50


def test_the_last_page_has_nothing_after_it_and_holds_the_rest() -> None:
    last = follow(page_of(50, Span(0, 20), 20), "last", 50, 20)
    assert ids(last) == [10, 9, 8, 7, 6, 5, 4, 3, 2, 1]
    assert last["links"]["next"] is None


def test_an_empty_list_has_no_pages_to_lead_to() -> None:
    assert page_of(0, Span(0, 20), 20)["links"] == {
        "first": "?limit=20",
        "prev": None,
        "next": None,
        "last": None,
    }


def test_a_page_beyond_the_list_leads_back_to_its_ends() -> None:
    links = page_of(5, Span(40, 60), 20)["links"]
    assert links["prev"] is links["next"] is None
    assert links["first"]
    assert links["last"]


@given(st.integers(1, 60), st.integers(1, 25))
def test_going_forward_page_by_page_meets_every_row_once(total: int, limit: int) -> None:
    page = page_of(total, Span(0, limit), limit)
    met = ids(page)
    while page["links"]["next"]:
        page = follow(page, "next", total, limit)
        met += ids(page)
    assert met == list(range(total, 0, -1))


@given(st.integers(1, 60), st.integers(1, 25))
def test_going_back_from_the_last_page_meets_every_row_once(total: int, limit: int) -> None:
    page = follow(page_of(total, Span(0, limit), limit), "last", total, limit)
    met = ids(page)
    while page["links"]["prev"]:
        page = follow(page, "prev", total, limit)
        met = ids(page) + met
    assert met == list(range(total, 0, -1))


@pytest.mark.parametrize(
    ("total", "limit", "position", "rows"),
    [(1, 20, 0, 1), (20, 20, 0, 20), (21, 20, 20, 1), (40, 20, 20, 20), (59, 20, 40, 19)],
)
def test_the_last_page_is_counted_off_from_the_first_row(
    total: int, limit: int, position: int, rows: int
) -> None:
    cursor = last_page(total, limit)
    assert (cursor.position, cursor.key.id) == (position, rows)
