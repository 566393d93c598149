"""Links from a page to other pages of its list, for the body and for the header `Link` (RFC 8288).

Each link is a relative reference that changes only the query. A link therefore stays with the
variant of the request, and works behind any gateway.
"""

from collections.abc import Callable, Mapping
from urllib.parse import urlencode

from services.pagination.cursor import Cursor, LastPageCursor
from services.pagination.list_page import Page

#: Reference by relation. None if the page does not exist or cannot be known.
Links = Mapping[str, str | None]


def page_links(
    page: Page,
    last: LastPageCursor | None,
    query: Mapping[str, int | str],
    token_of: Callable[[Cursor], str],
) -> Links:
    """The links `first`, `prev`, `next` and `last`.

    `query` holds the parameters that all pages of the list share. `token_of` must return text that
    needs no escaping in a URL.
    """
    shared = urlencode(query)

    def link(cursor: Cursor | None) -> str | None:
        return f"?cursor={token_of(cursor)}&{shared}" if cursor else None

    return {
        "first": f"?{shared}",
        "prev": link(page.previous),
        "next": link(page.next),
        "last": link(last),
    }


def link_header(links: Links) -> str:
    """The value of the header `Link`."""
    known = [(relation, reference) for relation, reference in links.items() if reference]
    return ", ".join(f'<{reference}>; rel="{relation}"' for relation, reference in known)
