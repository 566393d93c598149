"""Every row fetched, the page sliced out in the application."""

from aiohttp import web

from services.chassis.postgres import DATABASE
from services.pagination.page import Page
from services.pagination.query import COLUMNS, page_response, query_of

_STATEMENT = f"{COLUMNS} ORDER BY posts.created_at DESC, posts.id DESC LIMIT %s"


async def naive(request: web.Request) -> web.Response:
    query = query_of(request)
    span = query.span
    rows = await request.app[DATABASE].fetch(_STATEMENT, (query.rows,))
    return page_response(Page(rows[span.start : span.stop], span.start, len(rows)), query)
