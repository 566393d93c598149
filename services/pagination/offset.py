"""LIMIT and OFFSET: the database walks over the rows before the page, and counts them all."""

from aiohttp import web

from services.chassis.postgres import DATABASE
from services.pagination.page import Page
from services.pagination.query import COLUMNS, page_response, query_of

_STATEMENT = f"{COLUMNS} ORDER BY posts.created_at DESC, posts.id DESC LIMIT %s OFFSET %s"
_TOTAL = "SELECT count(*) FROM posts"
_TOTAL_UP_TO = "SELECT count(*) FROM (SELECT FROM posts LIMIT %s) AS counted"


async def offset(request: web.Request) -> web.Response:
    query = query_of(request)
    span = query.span
    async with request.app[DATABASE].session() as session:
        rows = await session.fetch(_STATEMENT, (span.length, span.start))
        if query.end is None:
            ((total,),) = await session.fetch(_TOTAL)
        else:
            ((total,),) = await session.fetch(_TOTAL_UP_TO, (query.end,))
    return page_response(Page(rows, span.start, total), query)
