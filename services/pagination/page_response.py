"""The response with a page: its items, the total of the list, and links. All variants use it."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from aiohttp import web

from services.chassis.application import json_response
from services.chassis.postgres import DATABASE
from services.pagination.cursor import Cursor, encode_cursor
from services.pagination.list_page import Page, Row, last_page_cursor
from services.pagination.listing import Listing, Statement, item_of
from services.pagination.page_links import link_header, page_links
from services.pagination.page_request import SIGNER, PageRequest
from services.pagination.signer import Signer
from services.pagination.technique import ESTIMATED, EXACT

Fetch = Callable[[str, Sequence[object]], Awaitable[list[Row]]]


async def page_response(
    request: web.Request, wanted: PageRequest, page: Page, exact_total: Statement | int
) -> web.Response:
    """The response with the page.

    `exact_total` is the number of rows that pass the filter, or the statement that reads it.
    """
    total = await total_of(request.app[DATABASE].fetch, wanted, page, exact_total)
    document = page_document(wanted, page, total, request.app[SIGNER])
    response = json_response(document)
    response.headers["Link"] = link_header(document["links"])
    return response


async def total_of(
    fetch: Fetch, wanted: PageRequest, page: Page, exact_total: Statement | int
) -> int | None:
    """The length of the list, exact or estimated as the request asks. None if it asks for none."""
    if wanted.total == EXACT:
        if isinstance(exact_total, Statement):
            exact_total = await _single_number(fetch, exact_total)
        return wanted.listing.bounded_count(exact_total)
    if wanted.total == ESTIMATED:
        planned = await _planned_rows(fetch, wanted.listing)
        return page.corrected_total(wanted.listing.bounded_count(planned))
    return None


async def _single_number(fetch: Fetch, statement: Statement) -> int:
    ((number,),) = await fetch(statement.text, statement.parameters)
    return int(number)


async def _planned_rows(fetch: Fetch, listing: Listing) -> int:
    statement = listing.plan()
    (((explained,),),) = await fetch(statement.text, statement.parameters)
    return int(explained["Plan"]["Plan Rows"])


def page_document(
    wanted: PageRequest, page: Page, total: int | None, signer: Signer
) -> dict[str, Any]:
    """The body: `items`, `total` and `links`."""
    listing = wanted.listing

    def token_of(cursor: Cursor) -> str:
        return signer.sign(encode_cursor(cursor), listing.identity)

    # The last page needs an exact total. If the list ends before the table does, no key leads to
    # its last page: only the end of the index can be read backwards.
    has_last_page = wanted.total == EXACT and total != listing.maximum_rows
    last = last_page_cursor(total, wanted.limit) if has_last_page and total else None
    links = page_links(page, last, wanted.shared_query, token_of)
    return {"items": [item_of(row) for row in page.rows], "total": total, "links": links}
