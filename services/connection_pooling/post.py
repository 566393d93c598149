"""The one small read that both variants do once they have a connection."""

from typing import Any

from aiohttp import web

from services.chassis.application import json_response
from services.chassis.errors import NotFound
from services.chassis.parameters import PARAMETERS
from services.chassis.postgres import DATABASE_METRICS, Session

_STATEMENT = "SELECT id, title, author_id, created_at FROM posts WHERE id = %s"


async def post_over(connection: Any, request: web.Request) -> web.Response:
    number = request[PARAMETERS].integer("id")
    session = Session(connection, request.app[DATABASE_METRICS])
    rows = await session.fetch(_STATEMENT, (number,))
    if not rows:
        raise NotFound(f"there is no post {number}")
    names = ("id", "title", "author_id", "created_at")
    return json_response(dict(zip(names, rows[0], strict=True)))
