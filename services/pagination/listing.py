"""Lists of posts: their sort orders and filters, and the SQL statements that read them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from services.pagination.keyset import SortOrder
from services.pagination.list_page import Row

#: The value of the parameter `author` that selects the posts of all authors.
ANY_AUTHOR = 0

#: Titles are sorted by 64 characters, then by id. Index entries and cursors hold this prefix, and
#: neither may become as long as a title.
_TITLE = "left(posts.title, 64)"

#: By name. Each order can use two indexes: one for all posts, one that begins with the author.
ORDERS = {
    "newest": SortOrder("posts.created_at", "posts.id", descending=True),
    "oldest": SortOrder("posts.created_at", "posts.id", descending=False),
    "title": SortOrder(_TITLE, "posts.id", descending=False),
}


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL and the values of its placeholders."""

    text: str
    parameters: tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Listing:
    """The posts of one author or of all, in one of ORDERS.

    The list ends after its first `maximum_rows` posts, unless `maximum_rows` is None.
    """

    order: str
    author: int = ANY_AUTHOR
    maximum_rows: int | None = None

    @property
    def sort_order(self) -> SortOrder:
        return ORDERS[self.order]

    @property
    def identity(self) -> bytes:
        """Unique per list. A cursor is signed for the identity of its list."""
        return f"{self.order} {self.author} {self.maximum_rows}".encode("ascii")

    def bounded_count(self, count: int) -> int:
        """The length of the list if `count` posts pass its filter."""
        return count if self.maximum_rows is None else min(count, self.maximum_rows)

    def select(
        self,
        order_by: str,
        maximum_rows: int | None,
        *,
        offset: int = 0,
        conditions: Sequence[str] = (),
        parameters: Sequence[object] = (),
    ) -> Statement:
        """Selects rows for `item_of`, with the sort key first. `maximum_rows` None selects all."""
        own_conditions, own_parameters = self._filter()
        where = _where([*own_conditions, *conditions])
        text = f"{_select_from(self.sort_order)} {where} {order_by} LIMIT %s OFFSET %s"
        return Statement(text, (*own_parameters, *parameters, maximum_rows, offset))

    def count(self) -> Statement:
        """Counts the rows, at most `maximum_rows`."""
        conditions, parameters = self._filter()
        rows = f"SELECT FROM posts {_where(conditions)} LIMIT %s"
        text = f"SELECT count(*) FROM ({rows}) AS counted"  # noqa: S608 - of constants alone
        return Statement(text, (*parameters, self.maximum_rows))

    def plan(self) -> Statement:
        """Asks the planner to estimate the number of rows. The planner reads no row."""
        conditions, parameters = self._filter()
        text = f"EXPLAIN (FORMAT JSON) SELECT FROM posts {_where(conditions)}"
        return Statement(text, parameters)

    def _filter(self) -> tuple[tuple[str, ...], tuple[object, ...]]:
        if self.author == ANY_AUTHOR:
            return (), ()
        return ("posts.author_id = %s",), (self.author,)


def item_of(row: Row) -> dict[str, Any]:
    """The post as it appears in the response."""
    _key, post_id, title, created_at, author_id, author_name = row
    author = {"id": author_id, "name": author_name}
    return {"id": post_id, "title": title, "created_at": created_at, "author": author}


def _select_from(order: SortOrder) -> str:
    # PostgreSQL computes the key, because PostgreSQL compares it. Python does not define it again.
    return f"""
        SELECT {order.key}, {order.id}, posts.title, posts.created_at, authors.id, authors.name
        FROM posts JOIN authors ON authors.id = posts.author_id
    """  # noqa: S608 - of constants alone


def _where(conditions: Sequence[str]) -> str:
    return f"WHERE {' AND '.join(conditions)}" if conditions else ""
