"""Links from a page to others of its list: for the body, and as a header (RFC 8288).

All are relative references that change the query alone, so each leads back to the same variant,
and holds behind any gateway.
"""

from collections.abc import Callable, Mapping
from urllib.parse import urlencode

from services.pagination.cursor import Cursor, End
from services.pagination.page import Page

#: By relation; None where there is no such page, or where it cannot be known.
Links = Mapping[str, str | None]


def links(
    page: Page, last: End | None, query: Mapping[str, int | str], token: Callable[[Cursor], str]
) -> Links:
    """`query` is what all pages of the list are asked for with.

    `token` writes a cursor in characters that a URL takes as they are.
    """

    rest = urlencode(query)

    def link(cursor: Cursor | None) -> str | None:
        return f"?cursor={token(cursor)}&{rest}" if cursor else None

    return {
        "first": f"?{rest}",
        "prev": link(page.previous),
        "next": link(page.next),
        "last": link(last),
    }


def link_header(links: Links) -> str:
    """The value of the header `Link`."""
    known = [(relation, reference) for relation, reference in links.items() if reference]
    return ", ".join(f'<{reference}>; rel="{relation}"' for relation, reference in known)
