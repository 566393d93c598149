"""Two queries, however many posts: the posts, then all their comments with authors at once."""

from aiohttp import web

from services.avoiding_n_plus_one.naive import POSTS
from services.avoiding_n_plus_one.nesting import posts_with_comments
from services.chassis.application import json_response
from services.chassis.parameters import PARAMETERS
from services.chassis.postgres import DATABASE

_COMMENTS = """
    SELECT comments.post_id, comments.id, comments.body, comments.created_at,
           authors.id, authors.name
    FROM comments JOIN authors ON authors.id = comments.author_id
    WHERE comments.post_id = ANY(%s)
    ORDER BY comments.id
"""


async def optimized(request: web.Request) -> web.Response:
    parameters = request[PARAMETERS]
    async with request.app[DATABASE].session() as session:
        posts = await session.fetch(
            POSTS, (parameters.integer("start"), parameters.integer("posts"))
        )
        comments = await session.fetch(_COMMENTS, ([post[0] for post in posts],)) if posts else []
    return json_response({"posts": posts_with_comments(posts, comments)})
