"""Keyset: seek to the cursor's row in the index and read one page from there."""

from aiohttp import web

from services.chassis.postgres import DATABASE
from services.pagination.keyset import seek
from services.pagination.page import Page
from services.pagination.query import COLUMNS, page_response, query_of

_TOTAL = "SELECT rows FROM row_counts WHERE table_name = 'posts'"


async def optimized(request: web.Request) -> web.Response:
    query = query_of(request)
    span = query.span
    sought = seek(query.cursor, query.wanted.length)
    async with request.app[DATABASE].session() as session:
        rows = await session.fetch(f"{COLUMNS} {sought.clause}", sought.parameters)
        ((total,),) = await session.fetch(_TOTAL)
    if sought.backwards:
        rows.reverse()
    return page_response(Page(rows[: span.length], span.start, total), query)
