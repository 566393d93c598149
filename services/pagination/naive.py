"""Naive variant: fetch every row of the list, and slice the page out in the application."""

from aiohttp import web

from services.chassis.postgres import DATABASE
from services.pagination.cursor import span_of
from services.pagination.list_page import Page
from services.pagination.page_request import page_request_of
from services.pagination.page_response import page_response


async def naive(request: web.Request) -> web.Response:
    wanted = page_request_of(request)
    listing = wanted.listing
    statement = listing.select(listing.sort_order.order_by(), listing.maximum_rows)
    rows = await request.app[DATABASE].fetch(statement.text, statement.parameters)
    span = span_of(wanted.cursor, wanted.limit)
    page = Page(rows[span.start : span.stop], span.start, len(rows) > span.stop)
    return await page_response(request, wanted, page, len(rows))
