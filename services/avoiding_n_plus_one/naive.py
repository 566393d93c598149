"""A query per row: what an object mapper does when nobody tells it what will be needed."""

from aiohttp import web

from services.avoiding_n_plus_one.nesting import author_from, comment_from, post_from
from services.avoiding_n_plus_one.query_budget import Row, Session
from services.avoiding_n_plus_one.request_budget import counted_session
from services.chassis.application import json_response
from services.chassis.parameters import PARAMETERS

POSTS = "SELECT id, title, created_at FROM posts WHERE id >= %s ORDER BY id LIMIT %s"
_COMMENTS = "SELECT id, body, created_at, author_id FROM comments WHERE post_id = %s ORDER BY id"
_AUTHOR = "SELECT id, name FROM authors WHERE id = %s"


async def naive(request: web.Request) -> web.Response:
    parameters = request[PARAMETERS]
    async with counted_session(request) as session:
        rows = await session.fetch(
            POSTS, (parameters.integer("start"), parameters.integer("posts"))
        )
        return json_response({"posts": [await _post(session, row) for row in rows]})


async def _post(session: Session, row: Row) -> dict[str, object]:
    comments = await session.fetch(_COMMENTS, (row[0],))
    return post_from(row, [await _comment(session, comment) for comment in comments])


async def _comment(session: Session, row: Row) -> dict[str, object]:
    *comment, author_id = row
    (author,) = await session.fetch(_AUTHOR, (author_id,))
    return comment_from(tuple(comment), author_from(author))
