"""The ready page from Redis; PostgreSQL is asked only when it is not there."""

from aiohttp import web

from services.caching.cache import Answer, Cache
from services.caching.lookup import look_up
from services.caching.post_page import page_response
from services.chassis.parameters import PARAMETERS

CACHE = web.AppKey("cache", Cache)


async def optimized(request: web.Request) -> web.Response:
    return respond(request, await look_up(request, "optimized", request.app[CACHE]))


def respond(request: web.Request, answer: Answer) -> web.Response:
    """Raises NotFound. An answer that may be old says so."""
    response = page_response(answer.entry.body, request[PARAMETERS].integer("id"))
    if not answer.verified:
        # RFC 9211; only where it says something that the client would not expect.
        response.headers["Cache-Status"] = "post-page; hit; detail=unverified"
    return response
