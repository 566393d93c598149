"""Posts with their comments, put together from flat rows."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

Row = tuple[Any, ...]


def author_from(row: Row) -> dict[str, Any]:
    author_id, name = row
    return {"id": author_id, "name": name}


def comment_from(row: Row, author: dict[str, Any]) -> dict[str, Any]:
    comment_id, body, created_at = row
    return {"id": comment_id, "body": body, "created_at": created_at, "author": author}


def post_from(row: Row, comments: list[dict[str, Any]]) -> dict[str, Any]:
    post_id, title, created_at = row
    return {"id": post_id, "title": title, "created_at": created_at, "comments": comments}


def posts_with_comments(posts: Iterable[Row], comments: Iterable[Row]) -> list[dict[str, Any]]:
    """Join in memory, keeping both orders.

    A row of `posts` is (id, title, created_at); one of `comments` is (post_id, id, body,
    created_at, author_id, author_name).
    """
    by_post: defaultdict[int, list[dict[str, Any]]] = defaultdict(list)
    for post_id, *comment, author_id, author_name in comments:
        by_post[post_id].append(comment_from(tuple(comment), author_from((author_id, author_name))))
    return [post_from(post, by_post[post[0]]) for post in posts]
