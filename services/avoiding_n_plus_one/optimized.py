"""One statement in which no row comes twice: each post, and after it its comments."""

from aiohttp import web

from services.avoiding_n_plus_one.nesting import posts_from_levels
from services.avoiding_n_plus_one.request_budget import counted_session
from services.chassis.application import json_response
from services.chassis.parameters import PARAMETERS

# The posts are found once and used twice. The last line alone promises an order: that of the two
# halves of a UNION is the server's choice.
_POSTS_AND_COMMENTS = """
    WITH listed AS MATERIALIZED (
        SELECT id, title, created_at FROM posts WHERE id >= %s ORDER BY id LIMIT %s
    )
    SELECT id AS post_id, NULL::bigint AS comment_id, title AS text, created_at,
           NULL::bigint AS author_id, NULL::text AS author_name
    FROM listed
    UNION ALL
    SELECT comments.post_id, comments.id, comments.body, comments.created_at,
           authors.id, authors.name
    FROM listed
    JOIN comments ON comments.post_id = listed.id
    JOIN authors ON authors.id = comments.author_id
    ORDER BY post_id, comment_id NULLS FIRST
"""


async def optimized(request: web.Request) -> web.Response:
    parameters = request[PARAMETERS]
    async with counted_session(request) as session:
        rows = await session.fetch(
            _POSTS_AND_COMMENTS, (parameters.integer("start"), parameters.integer("posts"))
        )
    return json_response({"posts": posts_from_levels(rows)})
