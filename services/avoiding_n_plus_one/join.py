"""One outer join: a row for each comment, with its post repeated in front of it."""

from aiohttp import web

from services.avoiding_n_plus_one.nesting import posts_from_join
from services.avoiding_n_plus_one.request_budget import counted_session
from services.chassis.application import json_response
from services.chassis.parameters import PARAMETERS

# The limit stands inside: behind the join it would count comments, and cut the last post's.
_JOINED = """
    SELECT listed.id, listed.title, listed.created_at,
           comments.id, comments.body, comments.created_at, authors.id, authors.name
    FROM (SELECT id, title, created_at FROM posts WHERE id >= %s ORDER BY id LIMIT %s) AS listed
    LEFT JOIN comments ON comments.post_id = listed.id
    LEFT JOIN authors ON authors.id = comments.author_id
    ORDER BY listed.id, comments.id
"""


async def join(request: web.Request) -> web.Response:
    parameters = request[PARAMETERS]
    async with counted_session(request) as session:
        rows = await session.fetch(
            _JOINED, (parameters.integer("start"), parameters.integer("posts"))
        )
    return json_response({"posts": posts_from_join(rows)})
