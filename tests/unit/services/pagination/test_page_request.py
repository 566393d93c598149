"""The page that a request asks for, and the query that its links share."""

import pytest

from services.chassis.errors import InvalidRequest
from services.chassis.parameters import Parameters
from services.contract import Value
from services.pagination.cursor import LastPageCursor, encode_cursor
from services.pagination.listing import Listing
from services.pagination.page_request import PageRequest, read_page_request
from services.pagination.signer import Signer
from services.pagination.technique import ALL_ROWS, TECHNIQUE

SIGNER = Signer(b"key")
CURSOR = LastPageCursor(80, 7)


def parameters(**given: Value) -> Parameters:
    return Parameters({each.name: each.default for each in TECHNIQUE.parameters} | given)


def token_for(listing: Listing) -> str:
    return SIGNER.sign(encode_cursor(CURSOR), listing.identity)


def test_a_request_without_parameters_gets_the_first_page_of_all_posts() -> None:
    wanted = read_page_request(parameters(), SIGNER)
    assert wanted == PageRequest(Listing("newest"), None, 20, "none")


def test_each_parameter_becomes_a_field_of_the_page_request() -> None:
    listing = Listing("title", author=3, maximum_rows=90)
    given = parameters(
        order="title", author=3, rows=90, limit=7, total="exact", cursor=token_for(listing)
    )
    assert read_page_request(given, SIGNER) == PageRequest(listing, CURSOR, 7, "exact")


@pytest.mark.parametrize(
    ("rows", "maximum_rows"), [(ALL_ROWS, None), (ALL_ROWS - 1, ALL_ROWS - 1), (1, 1)]
)
def test_only_a_list_of_all_rows_ends_with_the_table(rows: int, maximum_rows: int | None) -> None:
    assert read_page_request(parameters(rows=rows), SIGNER).listing.maximum_rows == maximum_rows


@pytest.mark.parametrize(
    "other", [Listing("oldest"), Listing("newest", 1), Listing("newest", 0, 9)]
)
def test_a_cursor_of_another_list_is_refused_by_name(other: Listing) -> None:
    with pytest.raises(InvalidRequest, match=r"^cursor: not valid for this list") as refusal:
        read_page_request(parameters(cursor=token_for(other)), SIGNER)
    assert refusal.value.extensions["parameter"] == "cursor"


def test_links_share_the_limit_and_every_parameter_that_is_not_the_default() -> None:
    assert PageRequest(Listing("newest"), None, 20, "none").shared_query == {"limit": 20}
    listing = Listing("title", author=3, maximum_rows=90)
    assert PageRequest(listing, CURSOR, 7, "exact").shared_query == {
        "limit": 7,
        "order": "title",
        "author": 3,
        "total": "exact",
        "rows": 90,
    }
