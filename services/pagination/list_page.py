"""A page, the same whichever variant has found its rows, and the cursors of its neighbours."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from services.pagination.cursor import Edge, End, Side

#: The key that the list is sorted by and the id come first, whatever follows.
Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """Rows in order; `start` counts those before the page; `more` when others follow it."""

    rows: Sequence[Row]
    start: int
    more: bool

    @property
    def stop(self) -> int:
        return self.start + len(self.rows)

    @property
    def previous(self) -> Edge | None:
        if self.start == 0 or not self.rows:
            return None
        key, number, *_ = self.rows[0]
        return Edge(Side.BEFORE, self.start, key, number)

    @property
    def next(self) -> Edge | None:
        if not self.more or not self.rows:
            return None
        key, number, *_ = self.rows[-1]
        return Edge(Side.AFTER, self.stop, key, number)

    def reckoned(self, estimate: int) -> int:
        """An estimate of the list's length, put right by what the page itself shows of it."""
        return max(estimate, self.stop + 1) if self.more else self.stop


def last_page(total: int, limit: int) -> End | None:
    """The last page when pages are counted off from the first row; None of an empty list."""
    if total == 0:
        return None
    rows = (total - 1) % limit + 1
    return End(total - rows, rows)
