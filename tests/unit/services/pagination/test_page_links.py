"""Links to other pages, in the body and in the header `Link`."""

from urllib.parse import urljoin

from services.pagination.cursor import Cursor, LastPageCursor
from services.pagination.list_page import Page
from services.pagination.page_links import link_header, page_links

MIDDLE = Page([("a", 1), ("b", 2)], 20, has_more=True)
QUERY: dict[str, int | str] = {"limit": 2, "order": "title"}


def token_of(cursor: Cursor) -> str:
    return "last" if isinstance(cursor, LastPageCursor) else f"{cursor.side}-{cursor.id}"


def test_links_differ_only_in_the_cursor() -> None:
    assert page_links(MIDDLE, LastPageCursor(40, 2), QUERY, token_of) == {
        "first": "?limit=2&order=title",
        "prev": "?cursor=before-1&limit=2&order=title",
        "next": "?cursor=after-2&limit=2&order=title",
        "last": "?cursor=last&limit=2&order=title",
    }


def test_an_empty_list_has_only_a_link_to_the_first_page() -> None:
    empty = page_links(Page([], 0, has_more=False), None, QUERY, token_of)
    assert [relation for relation, link in empty.items() if link] == ["first"]


def test_the_header_holds_the_existing_links_in_the_format_of_rfc_8288() -> None:
    page = Page([("a", 1)], 0, has_more=True)
    assert link_header(page_links(page, None, {"limit": 1}, token_of)) == (
        '<?limit=1>; rel="first", <?cursor=after-1&limit=1>; rel="next"'
    )


def test_a_link_keeps_the_path_of_the_request() -> None:
    reference = page_links(MIDDLE, None, {"limit": 2}, token_of)["prev"]
    address = "http://gateway/pagination/naive?cursor=x&limit=7"
    assert urljoin(address, reference) == "http://gateway/pagination/naive?cursor=before-1&limit=2"


def test_special_characters_in_the_query_are_escaped() -> None:
    assert page_links(MIDDLE, None, {"title": "a b&c>"}, token_of)["first"] == "?title=a+b%26c%3E"
