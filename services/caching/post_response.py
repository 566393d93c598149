"""The HTTP response for a post page, the same for all variants."""

from aiohttp import web

from services.caching.cache_answer import Answer
from services.chassis.errors import NotFound
from services.chassis.parameters import PARAMETERS


def post_response(page: bytes | None, number: int) -> web.Response:
    """Raises NotFound if the page is None."""
    if page is None:
        raise NotFound(f"there is no post {number}")
    return web.Response(body=page, content_type="application/json")


def cached_response(request: web.Request, answer: Answer) -> web.Response:
    """Marks a page that could not be verified. Raises NotFound if the page is None."""
    response = post_response(answer.entry.body, request[PARAMETERS].integer("id"))
    if not answer.verified:
        # Cache-Status is RFC 9211. Ordinary hits and misses do without: the header costs bytes.
        response.headers["Cache-Status"] = "post-page; hit; detail=unverified"
    return response
