"""Reads and changes a post page in PostgreSQL: a post, its author, tags and number of comments."""

import orjson

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
    """Return the page as JSON, or None if the post does not exist."""
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
    """Replace the fields that are not None. Returns False if the post does not exist."""
    return bool(await database.fetch(_CHANGE, (title, body, number)))
