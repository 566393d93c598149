"""Optimized variant, keyset: seek to the cursor's row in the index and read one page from there.

`keyset.py` determines the index range and makes the page from its rows.
"""

from aiohttp import web

from services.chassis.postgres import DATABASE
from services.pagination.keyset import index_range, page_of_range
from services.pagination.listing import ANY_AUTHOR, Listing, Statement
from services.pagination.page_request import page_request_of
from services.pagination.page_response import page_response

#: Triggers keep this counter (services/dataset/indexes.sql), because counting all rows would cost
#: more than the page.
_READ_COUNTER = Statement("SELECT rows FROM row_counts WHERE table_name = 'posts'", ())


async def optimized(request: web.Request) -> web.Response:
    wanted = page_request_of(request)
    listing = wanted.listing
    read = index_range(listing.sort_order, wanted.cursor, wanted.limit)
    statement = listing.select(
        read.order_by, read.maximum_rows, conditions=read.conditions, parameters=read.parameters
    )
    rows = await request.app[DATABASE].fetch(statement.text, statement.parameters)
    page = page_of_range(rows, wanted.cursor, wanted.limit, listing.maximum_rows)
    return await page_response(request, wanted, page, _exact_total(listing))


def _exact_total(listing: Listing) -> Statement:
    # One author has few posts. Counting them reads only a part of an index on the author.
    return _READ_COUNTER if listing.author == ANY_AUTHOR else listing.count()
