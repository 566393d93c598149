"""A page and its links, the same whichever variant has found the rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from services.pagination.cursor import EPOCH, Cursor, Direction, Key

#: id, title, created_at, author's id, author's name; newest first.
Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """Rows in order; `start` is the index, from 0, of the first; `total` counts the whole list.

    `end` is where the list was to end, None for where the table does.
    """

    rows: Sequence[Row]
    start: int
    total: int
    end: int | None = None

    def document(self, limit: int) -> dict[str, object]:
        """The answer. Links are relative references, so they lead back to the same variant."""
        return {
            "items": [_item(row) for row in self.rows],
            "total": self.total,
            "links": {
                "first": self._link("", limit),
                "prev": self._previous(limit),
                "next": self._next(limit),
                "last": self._last(limit),
            },
        }

    def _last(self, limit: int) -> str | None:
        # Of a list that ends before the table, no key leads to the last page: only a walk does.
        if self.total in (0, self.end):
            return None
        return self._link(last_page(self.total, limit).encode(), limit)

    def _previous(self, limit: int) -> str | None:
        if self.start == 0 or not self.rows:
            return None
        return self._link(Cursor(Direction.BEFORE, self.start, _key(self.rows[0])).encode(), limit)

    def _next(self, limit: int) -> str | None:
        stop = self.start + len(self.rows)
        if stop >= self.total or not self.rows:
            return None
        return self._link(Cursor(Direction.AFTER, stop, _key(self.rows[-1])).encode(), limit)

    def _link(self, cursor: str, limit: int) -> str:
        query = {"cursor": cursor, "limit": limit, "rows": self.end}
        return f"?{urlencode({name: value for name, value in query.items() if value})}"


def last_page(total: int, limit: int) -> Cursor:
    """The last page when pages are counted off from the first row; `total` is at least 1."""
    rows = (total - 1) % limit + 1
    return Cursor(Direction.END, total - rows, Key(EPOCH, rows))


def _key(row: Row) -> Key:
    return Key(created_at=row[2], id=row[0])


def _item(row: Row) -> dict[str, object]:
    post_id, title, created_at, author_id, author_name = row
    author = {"id": author_id, "name": author_name}
    return {"id": post_id, "title": title, "created_at": created_at, "author": author}
