"""Posts as the services return them: a statement that reads them, and their JSON shape."""

from datetime import datetime
from typing import Any, TypedDict


class Author(TypedDict):
    id: int
    name: str


class Post(TypedDict):
    """A post with its author and tags."""

    id: int
    title: str
    body: str
    created_at: datetime
    author: Author
    tags: list[str]


#: The newest posts with author and tags. Its parameter is the number of posts.
NEWEST_POSTS = """
    SELECT posts.id, posts.title, posts.body, posts.created_at, authors.id, authors.name,
           ARRAY(
               SELECT tags.name FROM post_tags JOIN tags ON tags.id = post_tags.tag_id
               WHERE post_tags.post_id = posts.id ORDER BY tags.name
           )
    FROM posts JOIN authors ON authors.id = posts.author_id
    ORDER BY posts.created_at DESC, posts.id DESC
    LIMIT %s
"""


def as_post(row: tuple[Any, ...]) -> Post:
    """A row of NEWEST_POSTS as a Post."""
    post_id, title, body, created_at, author_id, author_name, tags = row
    return {
        "id": post_id,
        "title": title,
        "body": body,
        "created_at": created_at,
        "author": {"id": author_id, "name": author_name},
        "tags": tags,
    }
