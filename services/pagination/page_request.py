"""What a request asks for, and how its page is answered: the same for every variant."""

from collections.abc import Mapping
from dataclasses import dataclass

from aiohttp import web

from services.chassis.application import json_response
from services.chassis.errors import InvalidRequest
from services.chassis.parameters import PARAMETERS
from services.contract import Value
from services.pagination.cursor import Cursor, pack, unpack
from services.pagination.links import link_header, links
from services.pagination.listing import Listing, item
from services.pagination.page import Page, last_page
from services.pagination.signer import Signer
from services.pagination.technique import ALL_ROWS, CURSOR, EXACT, TECHNIQUE

SIGNER = web.AppKey("signer", Signer)
_DEFAULTS = {each.name: each.default for each in TECHNIQUE.parameters}


@dataclass(frozen=True, slots=True)
class Query:
    """A page of a list: `cursor` is None for the first, `total` one of technique.TOTALS."""

    listing: Listing
    cursor: Cursor | None
    limit: int
    total: str

    @property
    def asked(self) -> dict[str, Value]:
        """The parameters that lead from page to page: the size, and what is not the default."""
        values: Mapping[str, Value] = {
            "limit": self.limit,
            "order": self.listing.order,
            "author": self.listing.author,
            "total": self.total,
            "rows": self.listing.rows or ALL_ROWS,
        }
        return {
            name: value
            for name, value in values.items()
            if name == "limit" or value != _DEFAULTS[name]
        }


def query_of(request: web.Request) -> Query:
    """Raises InvalidRequest when the cursor was not handed out for this list."""
    given = request[PARAMETERS]
    rows = given.integer("rows")
    listing = Listing(
        given.text("order"), given.integer("author"), rows if rows < ALL_ROWS else None
    )
    cursor = _cursor(request.app[SIGNER], given.text(CURSOR.name), listing)
    return Query(listing, cursor, given.integer("limit"), given.text("total"))


def page_response(
    request: web.Request, query: Query, page: Page, total: int | None
) -> web.Response:
    """`total` is of the kind that the query asks for, None where it asks for none."""
    signer, listing = request.app[SIGNER], query.listing
    # From an estimate no last page can be counted off; and of a list that ends before the table
    # no key leads to it: the index can be entered at its end alone.
    known = total if query.total == EXACT and total != listing.rows else None
    last = last_page(known, query.limit) if known else None
    leading = links(
        page, last, query.asked, lambda cursor: signer.sign(pack(cursor), listing.identity)
    )
    document = {"items": [item(row) for row in page.rows], "total": total, "links": leading}
    response = json_response(document)
    response.headers["Link"] = link_header(leading)
    return response


def _cursor(signer: Signer, token: str, listing: Listing) -> Cursor | None:
    if not token:
        return None
    try:
        return unpack(signer.verify(token, listing.identity))
    except ValueError:
        raise InvalidRequest(
            "cursor: expected one from a link of this list, with order, author and rows as there;"
            " begin again at the first page",
            parameter=CURSOR.name,
            bound=CURSOR.bound,
        ) from None
