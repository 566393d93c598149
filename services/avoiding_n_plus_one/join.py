"""Join variant: one outer join whose rows repeat the post in front of each of its comments."""

from aiohttp import web

from services.avoiding_n_plus_one.budgeted_handler import counted_session
from services.avoiding_n_plus_one.nesting import posts_from_join
from services.avoiding_n_plus_one.post_range import requested_range
from services.chassis.application import json_response

# LIMIT is in the subquery. After the join it would count comments and cut off the last post's.
_JOINED = """
    SELECT listed.id, listed.title, listed.created_at,
           comments.id, comments.body, comments.created_at, authors.id, authors.name
    FROM (SELECT id, title, created_at FROM posts WHERE id >= %s ORDER BY id LIMIT %s) AS listed
    LEFT JOIN comments ON comments.post_id = listed.id
    LEFT JOIN authors ON authors.id = comments.author_id
    ORDER BY listed.id, comments.id
"""


async def join(request: web.Request) -> web.Response:
    async with counted_session(request) as session:
        rows = await session.fetch(_JOINED, requested_range(request))
    return json_response({"posts": posts_from_join(rows)})
