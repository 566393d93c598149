"""Which index seek finds a page: the seek method of Markus Winand, "SQL Performance Explained".

The row comparison `(key, id) < (…, …)` is one range of an index on (key, id), so a page costs the
same however many rows lie before it. A page before a row is read backwards and turned round. One
row more than the page holds tells whether another page follows: nothing needs to be counted.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from services.pagination.cursor import Cursor, Edge, End, Side, span
from services.pagination.page import Page, Row


@dataclass(frozen=True, slots=True)
class Order:
    """How a list is sorted: by two SQL expressions, both in one direction.

    They are written into statements as they are, so they are constants, never a client's words.
    `key` must never be NULL, since NULL is neither before nor after anything; `id` is unique, so
    that rows of the same key have an order, too. One index on both serves both directions.
    """

    key: str
    id: str
    descending: bool

    def clause(self, backwards: bool = False) -> str:
        direction = "DESC" if self.descending != backwards else "ASC"
        return f"ORDER BY {self.key} {direction}, {self.id} {direction}"

    def beyond(self, side: Side) -> str:
        """The condition of being on that side of a row; takes the row's key and id."""
        comparison = "<" if self.descending == (side is Side.AFTER) else ">"
        return f"({self.key}, {self.id}) {comparison} (%s, %s)"


@dataclass(frozen=True, slots=True)
class Seek:
    """Conditions, order and number of rows of the statement that finds a page."""

    conditions: tuple[str, ...]
    parameters: tuple[object, ...]
    order_by: str
    rows: int


def seek(order: Order, cursor: Cursor | None, limit: int) -> Seek:
    """`limit` is the most rows that the page may have; None seeks the first page."""
    match cursor:
        case None:
            return Seek((), (), order.clause(), limit + 1)
        case End():
            return Seek((), (), order.clause(backwards=True), cursor.rows)
        case Edge():
            order_by = order.clause(backwards=cursor.side is Side.BEFORE)
            beyond = order.beyond(cursor.side)
            return Seek((beyond,), (cursor.key, cursor.id), order_by, limit + 1)


def page_of(found: Sequence[Row], cursor: Cursor | None, limit: int, end: int | None) -> Page:
    """The page that a seek has found, in a list of at most `end` rows, if that is not None."""
    match cursor:
        case End():
            rows = found[::-1]
            return Page(rows[:limit], cursor.position, len(rows) > limit)
        case Edge(side=Side.BEFORE):
            rows = found[:limit][::-1]
            # Positions are as old as the cursor. Where the rows contradict them, rows are right.
            first = max(1, cursor.position - len(rows)) if len(found) > limit else 0
            return Page(rows, first, more=True)
        case _:
            wanted = span(cursor, limit).until(end)
            rows = found[: wanted.length]
            return Page(rows, wanted.start, len(found) > wanted.length and wanted.stop != end)
