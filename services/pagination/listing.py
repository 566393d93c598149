"""Lists of posts: how they may be sorted and filtered, and the statements that read them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from services.pagination.keyset import Order
from services.pagination.page import Row

ANY_AUTHOR = 0

#: So much of a title decides; the id decides between titles that begin alike. An index entry and
#: a cursor hold it, and neither may be as long as a title can get.
_TITLE = "left(posts.title, 64)"

#: Each is served by an index of the data set, with an author and without.
ORDERS = {
    "newest": Order("posts.created_at", "posts.id", descending=True),
    "oldest": Order("posts.created_at", "posts.id", descending=False),
    "title": Order(_TITLE, "posts.id", descending=False),
}


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL with the values of its places."""

    text: str
    parameters: tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Listing:
    """The posts of an author, or of all, in one of ORDERS; only the first `rows`, if not None."""

    order: str
    author: int = ANY_AUTHOR
    rows: int | None = None

    @property
    def sorting(self) -> Order:
        return ORDERS[self.order]

    @property
    def identity(self) -> bytes:
        """Different for every list: a cursor of one is none of another."""
        return f"{self.order} {self.author} {self.rows}".encode("ascii")

    def shortened(self, count: int) -> int:
        """How many rows it has when so many pass its filter."""
        return count if self.rows is None else min(count, self.rows)

    def select(
        self,
        order_by: str,
        rows: int | None,
        *,
        offset: int = 0,
        conditions: Sequence[str] = (),
        parameters: Sequence[object] = (),
    ) -> Statement:
        """Gives rows as `item` takes them, the key of the order first; None for all rows."""
        own_conditions, own_parameters = self._filter()
        where = _where([*own_conditions, *conditions])
        text = f"{_columns(self.sorting)} {where} {order_by} LIMIT %s OFFSET %s"
        return Statement(text, (*own_parameters, *parameters, rows, offset))

    def count(self) -> Statement:
        """Counts no further than the list may go."""
        conditions, parameters = self._filter()
        rows = f"SELECT FROM posts {_where(conditions)} LIMIT %s"
        text = f"SELECT count(*) FROM ({rows}) AS counted"  # noqa: S608 - of constants alone
        return Statement(text, (*parameters, self.rows))

    def plan(self) -> Statement:
        """How many rows the planner expects: from statistics, without reading any."""
        conditions, parameters = self._filter()
        text = f"EXPLAIN (FORMAT JSON) SELECT FROM posts {_where(conditions)}"
        return Statement(text, parameters)

    def _filter(self) -> tuple[tuple[str, ...], tuple[object, ...]]:
        if self.author == ANY_AUTHOR:
            return (), ()
        return ("posts.author_id = %s",), (self.author,)


def item(row: Row) -> dict[str, Any]:
    """The post as the answer shows it."""
    _key, post_id, title, created_at, author_id, author_name = row
    author = {"id": author_id, "name": author_name}
    return {"id": post_id, "title": title, "created_at": created_at, "author": author}


def _columns(order: Order) -> str:
    # The key comes from the server that compares it: no second definition in Python.
    return f"""
        SELECT {order.key}, {order.id}, posts.title, posts.created_at, authors.id, authors.name
        FROM posts JOIN authors ON authors.id = posts.author_id
    """  # noqa: S608 - of constants alone


def _where(conditions: Sequence[str]) -> str:
    return f"WHERE {' AND '.join(conditions)}" if conditions else ""
