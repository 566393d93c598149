"""A page of a list, and the cursors of its previous, next and last page. All variants use it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from services.pagination.cursor import LastPageCursor, RowCursor, Side

#: The first two columns are the sort key and the id. Others may follow.
Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """The page's rows in order, the number of rows before it, and whether rows follow it."""

    rows: Sequence[Row]
    start: int
    has_more: bool

    @property
    def stop(self) -> int:
        return self.start + len(self.rows)

    @property
    def previous(self) -> RowCursor | None:
        if self.start == 0 or not self.rows:
            return None
        key, row_id, *_ = self.rows[0]
        return RowCursor(Side.BEFORE, self.start, key, row_id)

    @property
    def next(self) -> RowCursor | None:
        if not self.has_more or not self.rows:
            return None
        key, row_id, *_ = self.rows[-1]
        return RowCursor(Side.AFTER, self.stop, key, row_id)

    def corrected_total(self, estimate: int) -> int:
        """The estimated length of the list, corrected by the rows that this page shows."""
        return max(estimate, self.stop + 1) if self.has_more else self.stop


def last_page_cursor(total: int, limit: int) -> LastPageCursor | None:
    """The last page if pages of `limit` rows begin at the first row. None for an empty list."""
    if total == 0:
        return None
    rows = (total - 1) % limit + 1
    return LastPageCursor(total - rows, rows)
