"""The page that a request asks for: list, cursor, number of rows and kind of total."""

from collections.abc import Mapping
from dataclasses import dataclass

from aiohttp import web

from services.chassis.errors import InvalidRequest
from services.chassis.parameters import PARAMETERS, Parameters
from services.contract import Value
from services.pagination.cursor import Cursor, decode_cursor
from services.pagination.listing import Listing
from services.pagination.signer import Signer
from services.pagination.technique import ALL_ROWS, CURSOR, TECHNIQUE

SIGNER = web.AppKey("signer", Signer)
_DEFAULTS = {each.name: each.default for each in TECHNIQUE.parameters}


@dataclass(frozen=True, slots=True)
class PageRequest:
    """A page of a list. The cursor None is the first page; `total` is one of technique.TOTALS."""

    listing: Listing
    cursor: Cursor | None
    limit: int
    total: str

    @property
    def shared_query(self) -> dict[str, Value]:
        """The parameters of links to other pages: `limit`, and all that differ from the default."""
        values: Mapping[str, Value] = {
            "limit": self.limit,
            "order": self.listing.order,
            "author": self.listing.author,
            "total": self.total,
            "rows": self.listing.maximum_rows or ALL_ROWS,
        }
        return {
            name: value
            for name, value in values.items()
            if name == "limit" or value != _DEFAULTS[name]
        }


def page_request_of(request: web.Request) -> PageRequest:
    """The page that an HTTP request asks for. Raises InvalidRequest as `read_page_request` does."""
    return read_page_request(request[PARAMETERS], request.app[SIGNER])


def read_page_request(parameters: Parameters, signer: Signer) -> PageRequest:
    """The page for these parameters. Raises InvalidRequest if the cursor is not of this list."""
    rows = parameters.integer("rows")
    listing = Listing(
        parameters.text("order"), parameters.integer("author"), rows if rows < ALL_ROWS else None
    )
    cursor = _verified_cursor(signer, parameters.text(CURSOR.name), listing)
    return PageRequest(listing, cursor, parameters.integer("limit"), parameters.text("total"))


def _verified_cursor(signer: Signer, token: str, listing: Listing) -> Cursor | None:
    if not token:
        return None
    try:
        return decode_cursor(signer.verify(token, listing.identity))
    except ValueError:
        raise InvalidRequest(
            "cursor: not valid for this list; take it from a link with the same order, author and"
            " rows, or start at the first page",
            parameter=CURSOR.name,
            bound=CURSOR.bound,
        ) from None
