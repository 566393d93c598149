"""What a request asks for, and the columns that each variant answers it with."""

from dataclasses import dataclass, replace

from aiohttp import web

from services.chassis.application import json_response
from services.chassis.errors import InvalidRequest
from services.chassis.parameters import PARAMETERS
from services.pagination.cursor import Cursor, Span, decode
from services.pagination.page import Page
from services.pagination.technique import ALL_ROWS

COLUMNS = """
    SELECT posts.id, posts.title, posts.created_at, authors.id, authors.name
    FROM posts JOIN authors ON authors.id = posts.author_id
"""


@dataclass(frozen=True, slots=True)
class Query:
    """A cursor, None for the first page; the number of rows in a page, and in the list at most."""

    cursor: Cursor | None
    limit: int
    rows: int

    @property
    def wanted(self) -> Span:
        """The page in a list that ends where the table does."""
        return self.cursor.span(self.limit) if self.cursor else Span(0, self.limit)

    @property
    def span(self) -> Span:
        """What of it belongs to the list that was asked for."""
        return Span(min(self.wanted.start, self.rows), min(self.wanted.stop, self.rows))

    @property
    def end(self) -> int | None:
        """None when the list ends where the table does."""
        return self.rows if self.rows < ALL_ROWS else None


def query_of(request: web.Request) -> Query:
    """Raises InvalidRequest when the cursor is none that was handed out."""
    parameters = request[PARAMETERS]
    token = parameters.text("cursor")
    try:
        cursor = decode(token) if token else None
    except ValueError:
        bound = "a cursor from a link of an earlier page"
        raise InvalidRequest(f"cursor: expected {bound}", parameter="cursor", bound=bound) from None
    return Query(cursor, parameters.integer("limit"), parameters.integer("rows"))


def page_response(page: Page, query: Query) -> web.Response:
    """`total` of the page may count the whole table."""
    listed = replace(page, total=min(page.total, query.rows), end=query.end)
    return json_response(listed.document(query.limit))
