"""Keyset: the index range of a page, and the page made from its rows."""

from datetime import UTC, datetime

import pytest

from services.pagination.cursor import Cursor, LastPageCursor, RowCursor, Side
from services.pagination.keyset import IndexRange, SortOrder, index_range, page_of_range
from services.pagination.list_page import Page, Row

MOMENT = datetime(2020, 2, 29, tzinfo=UTC)
DESCENDING = SortOrder("moment", "id", descending=True)
ASCENDING = SortOrder("name", "id", descending=False)


def row_cursor(side: Side, position: int = 40) -> RowCursor:
    return RowCursor(side, position, MOMENT, 42)


def rows(*numbers: int) -> list[Row]:
    return [(MOMENT, number) for number in numbers]


@pytest.mark.parametrize(
    ("order", "cursor", "expected"),
    [
        (DESCENDING, None, IndexRange((), (), "ORDER BY moment DESC, id DESC", 21)),
        (
            DESCENDING,
            row_cursor(Side.AFTER),
            IndexRange(
                ("(moment, id) < (%s, %s)",), (MOMENT, 42), "ORDER BY moment DESC, id DESC", 21
            ),
        ),
        (
            DESCENDING,
            row_cursor(Side.BEFORE),
            IndexRange(
                ("(moment, id) > (%s, %s)",), (MOMENT, 42), "ORDER BY moment ASC, id ASC", 21
            ),
        ),
        (DESCENDING, LastPageCursor(40, 7), IndexRange((), (), "ORDER BY moment ASC, id ASC", 7)),
        (ASCENDING, None, IndexRange((), (), "ORDER BY name ASC, id ASC", 21)),
        (
            ASCENDING,
            RowCursor(Side.AFTER, 40, "Ann", 42),
            IndexRange(("(name, id) > (%s, %s)",), ("Ann", 42), "ORDER BY name ASC, id ASC", 21),
        ),
        (
            ASCENDING,
            RowCursor(Side.BEFORE, 40, "Ann", 42),
            IndexRange(("(name, id) < (%s, %s)",), ("Ann", 42), "ORDER BY name DESC, id DESC", 21),
        ),
        (ASCENDING, LastPageCursor(40, 7), IndexRange((), (), "ORDER BY name DESC, id DESC", 7)),
    ],
)
def test_a_page_is_one_range_of_the_index(
    order: SortOrder, cursor: Cursor | None, expected: IndexRange
) -> None:
    assert index_range(order, cursor, 20) == expected


@pytest.mark.parametrize(
    ("rows_read", "cursor", "page"),
    [
        (rows(9, 8), None, Page(rows(9, 8), 0, has_more=False)),
        (rows(9, 8, 7), None, Page(rows(9, 8), 0, has_more=True)),
        (rows(), None, Page([], 0, has_more=False)),
        (rows(9, 8), row_cursor(Side.AFTER), Page(rows(9, 8), 40, has_more=False)),
        (rows(9, 8, 7), row_cursor(Side.AFTER), Page(rows(9, 8), 40, has_more=True)),
        (rows(7, 8, 9), row_cursor(Side.BEFORE), Page(rows(8, 7), 38, has_more=True)),
        (rows(7, 8), row_cursor(Side.BEFORE, 2), Page(rows(8, 7), 0, has_more=True)),
        (rows(7), row_cursor(Side.BEFORE, 1), Page(rows(7), 0, has_more=True)),
        (rows(6, 7), LastPageCursor(40, 2), Page(rows(7, 6), 40, has_more=False)),
        (rows(6, 7, 8), LastPageCursor(40, 3), Page(rows(8, 7), 40, has_more=True)),
    ],
)
def test_one_extra_row_shows_whether_rows_follow_the_page(
    rows_read: list[Row], cursor: Cursor | None, page: Page
) -> None:
    assert page_of_range(rows_read, cursor, 2, end=None) == page


def test_a_page_with_new_rows_before_it_still_has_a_previous_page() -> None:
    page = page_of_range(rows(7, 8, 9), row_cursor(Side.BEFORE, 2), 2, end=None)
    assert page.start == 1  # unknown, but not 0: rows lie before it
    assert page.previous


def test_a_page_whose_earlier_rows_were_deleted_is_the_first_page() -> None:
    page = page_of_range(rows(7), row_cursor(Side.BEFORE, 40), 2, end=None)
    assert page.start == 0
    assert page.previous is None


@pytest.mark.parametrize(
    ("end", "length", "has_more"), [(1, 1, False), (2, 2, False), (3, 2, True)]
)
def test_a_page_ends_with_a_list_that_ends_before_the_table(
    end: int, length: int, has_more: bool
) -> None:
    page = page_of_range(rows(9, 8, 7), None, 2, end)
    assert (len(page.rows), page.has_more) == (length, has_more)
