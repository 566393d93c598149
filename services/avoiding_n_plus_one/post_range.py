"""The posts that a request asks for: its parameters `start` and `posts`."""

from aiohttp import web

from services.chassis.parameters import PARAMETERS

#: The rows (id, title, created_at) of the range, in order. Takes what `requested_range` returns.
POSTS_IN_RANGE = "SELECT id, title, created_at FROM posts WHERE id >= %s ORDER BY id LIMIT %s"


def requested_range(request: web.Request) -> tuple[int, int]:
    """The first post's number and the maximum number of posts, as SQL parameters."""
    parameters = request[PARAMETERS]
    return parameters.integer("start"), parameters.integer("posts")
