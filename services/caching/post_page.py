"""A post page from PostgreSQL: the post with its author, its tags, its number of comments."""

import orjson
from aiohttp import web

from services.chassis.errors import NotFound
from services.chassis.postgres import Database

_POST = """
    SELECT posts.id, posts.title, posts.body, posts.created_at, authors.id, authors.name
    FROM posts JOIN authors ON authors.id = posts.author_id WHERE posts.id = %s
"""
_TAGS = """
    SELECT tags.name FROM tags JOIN post_tags ON post_tags.tag_id = tags.id
    WHERE post_tags.post_id = %s ORDER BY tags.name
"""
_COMMENTS = "SELECT count(*) FROM comments WHERE post_id = %s"
_CHANGE = """
    UPDATE posts SET title = coalesce(%s, title), body = coalesce(%s, body) WHERE id = %s
    RETURNING id
"""


async def load_post_page(database: Database, number: int) -> bytes | None:
    """The page as JSON; None if there is no such post."""
    async with database.session() as session:
        posts = await session.fetch(_POST, (number,))
        if not posts:
            return None
        tags = await session.fetch(_TAGS, (number,))
        ((comments,),) = await session.fetch(_COMMENTS, (number,))
    post_id, title, body, created_at, author_id, author_name = posts[0]
    return orjson.dumps(
        {
            "id": post_id,
            "title": title,
            "body": body,
            "created_at": created_at,
            "author": {"id": author_id, "name": author_name},
            "tags": [tag for (tag,) in tags],
            "comment_count": comments,
        }
    )


async def change_post(database: Database, number: int, title: str | None, body: str | None) -> bool:
    """Replace what is not None. False if there is no such post."""
    return bool(await database.fetch(_CHANGE, (title, body, number)))


def page_response(page: bytes | None, number: int) -> web.Response:
    """Raises NotFound where there is no page."""
    if page is None:
        raise NotFound(f"there is no post {number}")
    return web.Response(body=page, content_type="application/json")
