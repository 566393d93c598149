"""The read that every variant performs: one post by its primary key.

`read_post` runs it on an aiopg connection. `asyncpg_pool.py` runs it with its own driver.
"""

from typing import Any, NamedTuple

from aiohttp import web

from services.chassis.application import json_response
from services.chassis.errors import NotFound
from services.chassis.parameters import PARAMETERS
from services.chassis.postgres import DATABASE_METRICS, Row, Session

_STATEMENT = "SELECT id, title, author_id, created_at FROM posts WHERE id = %s"
_SLOW_STATEMENT = (
    "SELECT id, title, author_id, created_at FROM posts, pg_sleep(%s / 1000.0) WHERE id = %s"
)


class PostRequest(NamedTuple):
    """Which post to read, and for how many milliseconds the statement sleeps."""

    post_id: int
    milliseconds: int


def post_request(request: web.Request) -> PostRequest:
    parameters = request[PARAMETERS]
    return PostRequest(parameters.integer("id"), parameters.integer("milliseconds"))


async def read_post(connection: Any, request: web.Request) -> web.Response:
    """The response with the post. Raises the errors of `post_response` and `Session.fetch`."""
    post_id, milliseconds = post_request(request)
    session = Session(connection, request.app[DATABASE_METRICS])
    if milliseconds:
        rows = await session.fetch(_SLOW_STATEMENT, (milliseconds, post_id))
    else:
        rows = await session.fetch(_STATEMENT, (post_id,))
    return post_response(post_id, rows[0] if rows else None)


def post_response(post_id: int, row: Row | None) -> web.Response:
    """The row as a JSON response. Raises NotFound if there is no row."""
    if row is None:
        raise NotFound(f"there is no post {post_id}")
    names = ("id", "title", "author_id", "created_at")
    return json_response(dict(zip(names, row, strict=True)))
