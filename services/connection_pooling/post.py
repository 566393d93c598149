"""The one small read that every variant does once it has a connection."""

from typing import Any

from aiohttp import web

from services.chassis.application import json_response
from services.chassis.errors import NotFound
from services.chassis.parameters import PARAMETERS
from services.chassis.postgres import DATABASE_METRICS, Row, Session

_STATEMENT = "SELECT id, title, author_id, created_at FROM posts WHERE id = %s"
_SLOW_STATEMENT = (
    "SELECT id, title, author_id, created_at FROM posts, pg_sleep(%s / 1000.0) WHERE id = %s"
)


def asked_for(request: web.Request) -> tuple[int, int]:
    """The post's number, and how many milliseconds the statement is to sleep."""
    return request[PARAMETERS].integer("id"), request[PARAMETERS].integer("milliseconds")


async def post_over(connection: Any, request: web.Request) -> web.Response:
    number, milliseconds = asked_for(request)
    session = Session(connection, request.app[DATABASE_METRICS])
    if milliseconds:
        rows = await session.fetch(_SLOW_STATEMENT, (milliseconds, number))
    else:
        rows = await session.fetch(_STATEMENT, (number,))
    return answer(number, rows[0] if rows else None)


def answer(number: int, row: Row | None) -> web.Response:
    if row is None:
        raise NotFound(f"there is no post {number}")
    names = ("id", "title", "author_id", "created_at")
    return json_response(dict(zip(names, row, strict=True)))
