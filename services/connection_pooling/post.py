"""The one small read that both variants do once they have a connection."""

from typing import Any

from aiohttp import web

from services.chassis.application import json_response
from services.chassis.errors import NotFound
from services.chassis.parameters import PARAMETERS
from services.chassis.postgres import DATABASE_METRICS, Session

_STATEMENT = "SELECT id, title, author_id, created_at FROM posts WHERE id = %s"
_SLOW_STATEMENT = (
    "SELECT id, title, author_id, created_at FROM posts, pg_sleep(%s / 1000.0) WHERE id = %s"
)


async def post_over(connection: Any, request: web.Request) -> web.Response:
    number = request[PARAMETERS].integer("id")
    session = Session(connection, request.app[DATABASE_METRICS])
    milliseconds = request[PARAMETERS].integer("milliseconds")
    if milliseconds:
        rows = await session.fetch(_SLOW_STATEMENT, (milliseconds, number))
    else:
        rows = await session.fetch(_STATEMENT, (number,))
    if not rows:
        raise NotFound(f"there is no post {number}")
    names = ("id", "title", "author_id", "created_at")
    return json_response(dict(zip(names, rows[0], strict=True)))
