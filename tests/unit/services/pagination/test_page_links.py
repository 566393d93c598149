"""Links, in the body and in the header."""

from urllib.parse import urljoin

from services.pagination.cursor import Cursor, End
from services.pagination.links import link_header, links
from services.pagination.page import Page

MIDDLE = Page([("a", 1), ("b", 2)], 20, more=True)
QUERY: dict[str, int | str] = {"limit": 2, "order": "title"}


def token(cursor: Cursor) -> str:
    return "last" if isinstance(cursor, End) else f"{cursor.side}-{cursor.id}"


def test_each_link_changes_the_cursor_alone() -> None:
    assert links(MIDDLE, End(40, 2), QUERY, token) == {
        "first": "?limit=2&order=title",
        "prev": "?cursor=before-1&limit=2&order=title",
        "next": "?cursor=after-2&limit=2&order=title",
        "last": "?cursor=last&limit=2&order=title",
    }


def test_an_empty_list_has_a_first_page_alone() -> None:
    empty = links(Page([], 0, more=False), None, QUERY, token)
    assert [relation for relation, link in empty.items() if link] == ["first"]


def test_the_header_has_the_links_that_there_are_as_rfc_8288_writes_them() -> None:
    page = Page([("a", 1)], 0, more=True)
    assert link_header(links(page, None, {"limit": 1}, token)) == (
        '<?limit=1>; rel="first", <?cursor=after-1&limit=1>; rel="next"'
    )


def test_a_link_leads_back_to_the_path_that_it_came_from() -> None:
    reference = links(MIDDLE, None, {"limit": 2}, token)["prev"]
    address = "http://gateway/pagination/naive?cursor=x&limit=7"
    assert urljoin(address, reference) == "http://gateway/pagination/naive?cursor=before-1&limit=2"


def test_what_a_url_cannot_hold_is_escaped() -> None:
    assert links(MIDDLE, None, {"title": "a b&c>"}, token)["first"] == "?title=a+b%26c%3E"
