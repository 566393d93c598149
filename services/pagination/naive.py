"""Every row fetched, the page sliced out in the application."""

from aiohttp import web

from services.chassis.postgres import DATABASE
from services.pagination.cursor import span
from services.pagination.page import Page
from services.pagination.query import page_response, query_of
from services.pagination.total import total_of


async def naive(request: web.Request) -> web.Response:
    query, database = query_of(request), request.app[DATABASE]
    statement = query.listing.select(query.listing.sorting.clause(), query.listing.rows)
    rows = await database.fetch(statement.text, statement.parameters)
    wanted = span(query.cursor, query.limit)
    page = Page(rows[wanted.start : wanted.stop], wanted.start, len(rows) > wanted.stop)
    return page_response(request, query, page, await total_of(database, query, page, len(rows)))
