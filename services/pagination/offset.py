"""Variant `offset`: LIMIT and OFFSET. PostgreSQL reads and drops the rows before the page."""

from aiohttp import web

from services.chassis.postgres import DATABASE
from services.pagination.cursor import span_of
from services.pagination.list_page import Page
from services.pagination.page_request import page_request_of
from services.pagination.page_response import page_response


async def offset(request: web.Request) -> web.Response:
    wanted = page_request_of(request)
    listing = wanted.listing
    span = span_of(wanted.cursor, wanted.limit).clipped(listing.maximum_rows)
    order_by = listing.sort_order.order_by()
    statement = listing.select(order_by, span.length + 1, offset=span.start)
    rows = await request.app[DATABASE].fetch(statement.text, statement.parameters)
    has_more = len(rows) > span.length and span.stop != listing.maximum_rows
    page = Page(rows[: span.length], span.start, has_more)
    return await page_response(request, wanted, page, listing.count())
