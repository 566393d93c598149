"""Keyset: seek to the cursor's row in the index and read one page from there."""

from aiohttp import web

from services.chassis.postgres import DATABASE
from services.pagination.keyset import page_of, seek
from services.pagination.listing import ANY_AUTHOR, Listing, Statement
from services.pagination.query import page_response, query_of
from services.pagination.total import total_of

#: Kept by triggers (services/dataset/indexes.sql): to count all rows would cost more than the page.
_COUNTER = Statement("SELECT rows FROM row_counts WHERE table_name = 'posts'", ())


async def optimized(request: web.Request) -> web.Response:
    query, database = query_of(request), request.app[DATABASE]
    listing, sought = query.listing, seek(query.listing.sorting, query.cursor, query.limit)
    statement = listing.select(
        sought.order_by, sought.rows, conditions=sought.conditions, parameters=sought.parameters
    )
    found = await database.fetch(statement.text, statement.parameters)
    page = page_of(found, query.cursor, query.limit, listing.rows)
    total = await total_of(database, query, page, _exact_total(listing))
    return page_response(request, query, page, total)


def _exact_total(listing: Listing) -> Statement:
    # An author's posts are few enough to count, in an index that begins with the author.
    return _COUNTER if listing.author == ANY_AUTHOR else listing.count()
