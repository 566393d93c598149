"""Pages of a made-up list: the cursors of each lead to its neighbours."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.pagination.cursor import Cursor, Edge, End, Side, span
from services.pagination.page import Page, Row, last_page


def listed(total: int) -> list[Row]:
    return [(f"{number:03}", number) for number in range(total)]


def page_at(cursor: Cursor | None, total: int, limit: int) -> Page:
    wanted = span(cursor, limit)
    rows = listed(total)
    return Page(rows[wanted.start : wanted.stop], wanted.start, total > wanted.stop)


def numbers(page: Page) -> list[int]:
    return [row[1] for row in page.rows]


def test_a_cursor_names_the_row_at_the_edge_of_the_page() -> None:
    page = Page(listed(50)[20:40], 20, more=True)
    assert page.previous == Edge(Side.BEFORE, 20, "020", 20)
    assert page.next == Edge(Side.AFTER, 40, "039", 39)


def test_the_first_page_has_nothing_before_it_and_the_last_nothing_after() -> None:
    assert page_at(None, 50, 20).previous is None
    last = page_at(last_page(50, 20), 50, 20)
    assert numbers(last) == list(range(40, 50))
    assert last.next is None


@pytest.mark.parametrize("start", [0, 40])
def test_a_page_without_rows_has_no_row_to_go_on_from(start: int) -> None:
    page = Page([], start, more=False)
    assert page.previous is page.next is None


@given(st.integers(1, 60), st.integers(1, 25))
def test_going_forward_page_by_page_meets_every_row_once(total: int, limit: int) -> None:
    page = page_at(None, total, limit)
    met = numbers(page)
    while page.next:
        page = page_at(page.next, total, limit)
        met += numbers(page)
    assert met == list(range(total))


@given(st.integers(1, 60), st.integers(1, 25))
def test_going_back_from_the_last_page_meets_every_row_once(total: int, limit: int) -> None:
    page = page_at(last_page(total, limit), total, limit)
    met = numbers(page)
    while page.previous:
        page = page_at(page.previous, total, limit)
        met = numbers(page) + met
    assert met == list(range(total))


@pytest.mark.parametrize(
    ("total", "limit", "end"),
    [
        (0, 20, None),
        (1, 20, End(0, 1)),
        (20, 20, End(0, 20)),
        (21, 20, End(20, 1)),
        (40, 20, End(20, 20)),
        (59, 20, End(40, 19)),
    ],
)
def test_the_last_page_is_counted_off_from_the_first_row(
    total: int, limit: int, end: End | None
) -> None:
    assert last_page(total, limit) == end


@pytest.mark.parametrize(
    ("page", "estimate", "reckoned"),
    [
        (Page(listed(20), 0, more=True), 1000, 1000),
        (Page(listed(20), 0, more=True), 7, 21),
        (Page(listed(20), 40, more=False), 1000, 60),
        (Page(listed(20), 40, more=False), 7, 60),
        (Page([], 0, more=False), 7, 0),
    ],
)
def test_an_estimate_yields_to_what_the_page_shows(
    page: Page, estimate: int, reckoned: int
) -> None:
    assert page.reckoned(estimate) == reckoned
