"""Keyset pagination: the index range that holds a page, and the page made from its rows.

Source: Markus Winand, "SQL Performance Explained", the seek method.

The row comparison `(key, id) < (…, …)` is one range of an index on (key, id). A page therefore
costs the same wherever it lies. A page before a row is read backwards and then reversed. One row
more than the page holds shows whether another page follows, so nothing has to be counted.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from services.pagination.cursor import Cursor, LastPageCursor, RowCursor, Side, span_of
from services.pagination.list_page import Page, Row


@dataclass(frozen=True, slots=True)
class SortOrder:
    """Two SQL expressions that a list is sorted by, both in one direction.

    The expressions become part of the statement, so they must be constants and never input of a
    client. The key must never be NULL, because NULL compares neither smaller nor greater. The id
    must be unique, to order rows with the same key. One index on both serves both directions.
    """

    key: str
    id: str
    descending: bool

    def order_by(self, backwards: bool = False) -> str:
        direction = "DESC" if self.descending != backwards else "ASC"
        return f"ORDER BY {self.key} {direction}, {self.id} {direction}"

    def condition(self, side: Side) -> str:
        """The condition for rows on this side of a row, whose key and id are its parameters."""
        comparison = "<" if self.descending == (side is Side.AFTER) else ">"
        return f"({self.key}, {self.id}) {comparison} (%s, %s)"


@dataclass(frozen=True, slots=True)
class IndexRange:
    """Conditions with their parameters, order and number of rows of the statement for a page."""

    conditions: tuple[str, ...]
    parameters: tuple[object, ...]
    order_by: str
    maximum_rows: int


def index_range(order: SortOrder, cursor: Cursor | None, limit: int) -> IndexRange:
    """The range of a page of at most `limit` rows. None is the first page."""
    match cursor:
        case None:
            return IndexRange((), (), order.order_by(), limit + 1)
        case LastPageCursor():
            return IndexRange((), (), order.order_by(backwards=True), cursor.rows)
        case RowCursor():
            order_by = order.order_by(backwards=cursor.side is Side.BEFORE)
            condition = order.condition(cursor.side)
            return IndexRange((condition,), (cursor.key, cursor.id), order_by, limit + 1)


def page_of_range(
    rows_read: Sequence[Row], cursor: Cursor | None, limit: int, end: int | None
) -> Page:
    """The page made from the rows of an index range. The list ends at position `end`, if not None.

    Positions are as old as the cursor. If the rows contradict the positions, the rows are right.
    """
    match cursor:
        case LastPageCursor():
            rows = rows_read[::-1]
            return Page(rows[:limit], cursor.position, len(rows) > limit)
        case RowCursor(side=Side.BEFORE):
            rows = rows_read[:limit][::-1]
            start = max(1, cursor.position - len(rows)) if len(rows_read) > limit else 0
            return Page(rows, start, has_more=True)
        case _:
            span = span_of(cursor, limit).clipped(end)
            rows = rows_read[: span.length]
            has_more = len(rows_read) > span.length and span.stop != end
            return Page(rows, span.start, has_more)
