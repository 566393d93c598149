"""LIMIT and OFFSET: the database walks over the rows before the page; a total is counted."""

from aiohttp import web

from services.chassis.postgres import DATABASE
from services.pagination.cursor import span
from services.pagination.page import Page
from services.pagination.query import page_response, query_of
from services.pagination.total import total_of


async def offset(request: web.Request) -> web.Response:
    query, database = query_of(request), request.app[DATABASE]
    listing = query.listing
    wanted = span(query.cursor, query.limit).until(listing.rows)
    order_by = listing.sorting.clause()
    statement = listing.select(order_by, wanted.length + 1, offset=wanted.start)
    found = await database.fetch(statement.text, statement.parameters)
    more = len(found) > wanted.length and wanted.stop != listing.rows
    page = Page(found[: wanted.length], wanted.start, more)
    total = await total_of(database, query, page, listing.count())
    return page_response(request, query, page, total)
