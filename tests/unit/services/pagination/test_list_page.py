"""Pages: the cursors of their neighbours, and what a page says about the length of its list."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.pagination.cursor import Cursor, LastPageCursor, RowCursor, Side, span_of
from services.pagination.list_page import Page, Row, last_page_cursor


def rows_of_list(total: int) -> list[Row]:
    return [(f"{number:03}", number) for number in range(total)]


def page_at(cursor: Cursor | None, total: int, limit: int) -> Page:
    span = span_of(cursor, limit)
    rows = rows_of_list(total)
    return Page(rows[span.start : span.stop], span.start, total > span.stop)


def ids(page: Page) -> list[int]:
    return [row[1] for row in page.rows]


def test_cursors_of_neighbours_name_the_first_and_the_last_row() -> None:
    page = Page(rows_of_list(50)[20:40], 20, has_more=True)
    assert page.previous == RowCursor(Side.BEFORE, 20, "020", 20)
    assert page.next == RowCursor(Side.AFTER, 40, "039", 39)


def test_the_first_page_has_no_previous_and_the_last_page_no_next() -> None:
    assert page_at(None, 50, 20).previous is None
    last = page_at(last_page_cursor(50, 20), 50, 20)
    assert ids(last) == list(range(40, 50))
    assert last.next is None


@pytest.mark.parametrize("start", [0, 40])
def test_a_page_without_rows_has_no_neighbours(start: int) -> None:
    page = Page([], start, has_more=False)
    assert page.previous is page.next is None


@given(st.integers(1, 60), st.integers(1, 25))
def test_following_next_returns_every_row_once(total: int, limit: int) -> None:
    page = page_at(None, total, limit)
    met = ids(page)
    while page.next:
        page = page_at(page.next, total, limit)
        met += ids(page)
    assert met == list(range(total))


@given(st.integers(1, 60), st.integers(1, 25))
def test_following_previous_from_the_end_returns_every_row_once(total: int, limit: int) -> None:
    page = page_at(last_page_cursor(total, limit), total, limit)
    met = ids(page)
    while page.previous:
        page = page_at(page.previous, total, limit)
        met = ids(page) + met
    assert met == list(range(total))


@pytest.mark.parametrize(
    ("total", "limit", "cursor"),
    [
        (0, 20, None),
        (1, 20, LastPageCursor(0, 1)),
        (20, 20, LastPageCursor(0, 20)),
        (21, 20, LastPageCursor(20, 1)),
        (40, 20, LastPageCursor(20, 20)),
        (59, 20, LastPageCursor(40, 19)),
    ],
)
def test_pages_are_counted_from_the_first_row_so_the_last_may_be_shorter(
    total: int, limit: int, cursor: LastPageCursor | None
) -> None:
    assert last_page_cursor(total, limit) == cursor


@pytest.mark.parametrize(
    ("page", "estimate", "corrected"),
    [
        (Page(rows_of_list(20), 0, has_more=True), 1000, 1000),
        (Page(rows_of_list(20), 0, has_more=True), 7, 21),
        (Page(rows_of_list(20), 40, has_more=False), 1000, 60),
        (Page(rows_of_list(20), 40, has_more=False), 7, 60),
        (Page([], 0, has_more=False), 7, 0),
    ],
)
def test_the_rows_of_a_page_correct_an_estimated_total(
    page: Page, estimate: int, corrected: int
) -> None:
    assert page.corrected_total(estimate) == corrected
