"""What a request asks for, and the columns that each variant answers it with."""

from dataclasses import dataclass

from aiohttp import web

from services.chassis.application import json_response
from services.chassis.errors import InvalidRequest
from services.chassis.parameters import PARAMETERS
from services.pagination.cursor import Cursor, Span, decode
from services.pagination.page import Page

COLUMNS = """
    SELECT posts.id, posts.title, posts.created_at, authors.id, authors.name
    FROM posts JOIN authors ON authors.id = posts.author_id
"""


@dataclass(frozen=True, slots=True)
class Query:
    """A cursor, None for the first page, and the number of rows in a page."""

    cursor: Cursor | None
    limit: int

    @property
    def span(self) -> Span:
        return self.cursor.span(self.limit) if self.cursor else Span(0, self.limit)


def query_of(request: web.Request) -> Query:
    """Raises InvalidRequest when the cursor is none that was handed out."""
    parameters = request[PARAMETERS]
    token = parameters.text("cursor")
    try:
        return Query(decode(token) if token else None, parameters.integer("limit"))
    except ValueError:
        bound = "a cursor from a link of an earlier page"
        raise InvalidRequest(f"cursor: expected {bound}", parameter="cursor", bound=bound) from None


def page_response(page: Page, query: Query) -> web.Response:
    return json_response(page.document(query.limit))
