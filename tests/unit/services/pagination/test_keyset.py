"""Seeking: which side of the key, in which order, how many rows; and what page was found."""

from datetime import UTC, datetime

import pytest

from services.pagination.cursor import Cursor, Edge, End, Side
from services.pagination.keyset import Order, Seek, page_of, seek
from services.pagination.page import Page, Row

MOMENT = datetime(2020, 2, 29, tzinfo=UTC)
FALLING = Order("moment", "id", descending=True)
RISING = Order("name", "id", descending=False)


def edge(side: Side, position: int = 40) -> Edge:
    return Edge(side, position, MOMENT, 42)


def rows(*numbers: int) -> list[Row]:
    return [(MOMENT, number) for number in numbers]


@pytest.mark.parametrize(
    ("order", "cursor", "sought"),
    [
        (FALLING, None, Seek((), (), "ORDER BY moment DESC, id DESC", 21)),
        (
            FALLING,
            edge(Side.AFTER),
            Seek(("(moment, id) < (%s, %s)",), (MOMENT, 42), "ORDER BY moment DESC, id DESC", 21),
        ),
        (
            FALLING,
            edge(Side.BEFORE),
            Seek(("(moment, id) > (%s, %s)",), (MOMENT, 42), "ORDER BY moment ASC, id ASC", 21),
        ),
        (FALLING, End(40, 7), Seek((), (), "ORDER BY moment ASC, id ASC", 7)),
        (RISING, None, Seek((), (), "ORDER BY name ASC, id ASC", 21)),
        (
            RISING,
            Edge(Side.AFTER, 40, "Ann", 42),
            Seek(("(name, id) > (%s, %s)",), ("Ann", 42), "ORDER BY name ASC, id ASC", 21),
        ),
        (
            RISING,
            Edge(Side.BEFORE, 40, "Ann", 42),
            Seek(("(name, id) < (%s, %s)",), ("Ann", 42), "ORDER BY name DESC, id DESC", 21),
        ),
        (RISING, End(40, 7), Seek((), (), "ORDER BY name DESC, id DESC", 7)),
    ],
)
def test_a_page_is_one_range_of_the_index(
    order: Order, cursor: Cursor | None, sought: Seek
) -> None:
    assert seek(order, cursor, 20) == sought


@pytest.mark.parametrize(
    ("found", "cursor", "page"),
    [
        (rows(9, 8), None, Page(rows(9, 8), 0, more=False)),
        (rows(9, 8, 7), None, Page(rows(9, 8), 0, more=True)),
        (rows(), None, Page([], 0, more=False)),
        (rows(9, 8), edge(Side.AFTER), Page(rows(9, 8), 40, more=False)),
        (rows(9, 8, 7), edge(Side.AFTER), Page(rows(9, 8), 40, more=True)),
        (rows(7, 8, 9), edge(Side.BEFORE), Page(rows(8, 7), 38, more=True)),
        (rows(7, 8), edge(Side.BEFORE, 2), Page(rows(8, 7), 0, more=True)),
        (rows(7), edge(Side.BEFORE, 1), Page(rows(7), 0, more=True)),
        (rows(6, 7), End(40, 2), Page(rows(7, 6), 40, more=False)),
        (rows(6, 7, 8), End(40, 3), Page(rows(8, 7), 40, more=True)),
    ],
)
def test_one_row_more_than_the_page_tells_whether_the_list_goes_on(
    found: list[Row], cursor: Cursor | None, page: Page
) -> None:
    assert page_of(found, cursor, 2, end=None) == page


def test_rows_that_came_before_a_page_since_its_link_was_made_are_not_given_up() -> None:
    page = page_of(rows(7, 8, 9), edge(Side.BEFORE, 2), 2, end=None)
    assert page.start > 0
    assert page.previous


def test_where_the_rows_before_have_gone_the_page_is_the_first() -> None:
    page = page_of(rows(7), edge(Side.BEFORE, 40), 2, end=None)
    assert page.start == 0
    assert page.previous is None


@pytest.mark.parametrize(("end", "length", "more"), [(1, 1, False), (2, 2, False), (3, 2, True)])
def test_a_list_may_end_before_the_rows_do(end: int, length: int, more: bool) -> None:
    page = page_of(rows(9, 8, 7), None, 2, end)
    assert (len(page.rows), page.more) == (length, more)
