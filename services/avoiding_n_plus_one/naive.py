"""Naive variant: one query per row, like an object mapper that loads relations lazily."""

from aiohttp import web

from services.avoiding_n_plus_one.budgeted_handler import counted_session
from services.avoiding_n_plus_one.nesting import author_from, comment_from, post_from
from services.avoiding_n_plus_one.post_range import POSTS_IN_RANGE, requested_range
from services.avoiding_n_plus_one.query_budget import QuerySession, Row
from services.chassis.application import json_response

_COMMENTS = "SELECT id, body, created_at, author_id FROM comments WHERE post_id = %s ORDER BY id"
_AUTHOR = "SELECT id, name FROM authors WHERE id = %s"


async def naive(request: web.Request) -> web.Response:
    async with counted_session(request) as session:
        rows = await session.fetch(POSTS_IN_RANGE, requested_range(request))
        return json_response({"posts": [await _post(session, row) for row in rows]})


async def _post(session: QuerySession, row: Row) -> dict[str, object]:
    comments = await session.fetch(_COMMENTS, (row[0],))
    return post_from(row, [await _comment(session, comment) for comment in comments])


async def _comment(session: QuerySession, row: Row) -> dict[str, object]:
    *comment, author_id = row
    (author,) = await session.fetch(_AUTHOR, (author_id,))
    return comment_from(tuple(comment), author_from(author))
