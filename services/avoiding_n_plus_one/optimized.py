"""Optimized variant: one query that returns each post once, followed by its comments."""

from aiohttp import web

from services.avoiding_n_plus_one.budgeted_handler import counted_session
from services.avoiding_n_plus_one.nesting import posts_from_levels
from services.avoiding_n_plus_one.post_range import requested_range
from services.chassis.application import json_response

# MATERIALIZED, because both halves of the UNION use the posts. Only the last ORDER BY guarantees
# the order of rows: PostgreSQL may return the halves of a UNION in any order.
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
    async with counted_session(request) as session:
        rows = await session.fetch(_POSTS_AND_COMMENTS, requested_range(request))
    return json_response({"posts": posts_from_levels(rows)})
