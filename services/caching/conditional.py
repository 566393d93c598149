"""Conditional variant: as optimized, and 304 without a body for a client that has the page.

Source: RFC 9110, section 13.1.2 (If-None-Match).
"""

from aiohttp import ETag, web
from aiohttp.hdrs import CACHE_CONTROL, ETAG, VARY
from aiohttp.helpers import ETAG_ANY

from services.caching.lookup import CACHE, look_up
from services.caching.post_response import cached_response


async def conditional(request: web.Request) -> web.Response:
    answer = await look_up(request, "conditional", request.app[CACHE])
    response = cached_response(request, answer)
    tag = answer.entry.digest.hex()
    if _client_has(request, tag):
        response = web.Response(status=304)
    response.headers[ETAG] = f'"{tag}"'
    # The client may store the page but must revalidate it: otherwise a copy would outlive a write.
    response.headers[CACHE_CONTROL] = "no-cache"
    # The service ignores Accept-Encoding, but a compressing proxy in between does not.
    response.headers[VARY] = "Accept-Encoding"
    return response


def _client_has(request: web.Request, tag: str) -> bool:
    """Whether If-None-Match has the tag. `W/` is ignored: RFC 9110 requires the weak comparison."""
    client_tags: tuple[ETag, ...] = request.if_none_match or ()
    return any(each.value in (tag, ETAG_ANY) for each in client_tags)
