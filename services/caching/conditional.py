"""The page from Redis, and no body at all for a client that has it already (RFC 9110, 13.1.2)."""

from aiohttp import ETag, web
from aiohttp.hdrs import CACHE_CONTROL, ETAG, VARY
from aiohttp.helpers import ETAG_ANY

from services.caching.lookup import look_up
from services.caching.optimized import CACHE, respond


async def conditional(request: web.Request) -> web.Response:
    answer = await look_up(request, "conditional", request.app[CACHE])
    response = respond(request, answer)
    tag = answer.entry.digest.hex()
    if _has(request, tag):
        response = web.Response(status=304)
    response.headers[ETAG] = f'"{tag}"'
    # Keep it, but ask each time: a copy used unasked would outlive a write.
    response.headers[CACHE_CONTROL] = "no-cache"
    # The bytes do not depend on it here, but a proxy that compresses makes them.
    response.headers[VARY] = "Accept-Encoding"
    return response


def _has(request: web.Request, tag: str) -> bool:
    """By the weak comparison that If-None-Match asks for: W/ does not count."""
    given: tuple[ETag, ...] = request.if_none_match or ()
    return any(each.value in (tag, ETAG_ANY) for each in given)
