"""Posts with their comments, put together from flat rows in one pass."""

from collections.abc import Iterable
from typing import Any

Row = tuple[Any, ...]
Document = dict[str, Any]


def author_from(row: Row) -> Document:
    author_id, name = row
    return {"id": author_id, "name": name}


def comment_from(row: Row, author: Document) -> Document:
    comment_id, body, created_at = row
    return {"id": comment_id, "body": body, "created_at": created_at, "author": author}


def post_from(row: Row, comments: list[Document]) -> Document:
    post_id, title, created_at = row
    return {"id": post_id, "title": title, "created_at": created_at, "comments": comments}


def posts_from_levels(rows: Iterable[Row]) -> list[Document]:
    """From rows of two kinds: each post, and right after it its comments.

    A row is (post_id, comment_id, text, created_at, author_id, author_name). Where there is no
    comment_id it is a post and the text its title, else a comment and the text its body.
    """
    posts: list[Document] = []
    comments: list[Document] = []
    for post_id, comment_id, text, created_at, author_id, name in rows:
        # Documents are written out, here and below: a call for each row would be a tenth of it all.
        if comment_id is None:
            comments = []
            posts.append(
                {"id": post_id, "title": text, "created_at": created_at, "comments": comments}
            )
        else:
            author = {"id": author_id, "name": name}
            comments.append(
                {"id": comment_id, "body": text, "created_at": created_at, "author": author}
            )
    return posts


def posts_from_join(rows: Iterable[Row]) -> list[Document]:
    """From the rows of an outer join, a post's next to each other: repeated posts are dropped.

    A row is (post_id, title, created_at, comment_id, body, created_at, author_id, author_name);
    a post without comments has one, with None from comment_id on.
    """
    posts: list[Document] = []
    for post_id, title, posted_at, comment_id, body, created_at, author_id, name in rows:
        if not posts or posts[-1]["id"] != post_id:
            posts.append({"id": post_id, "title": title, "created_at": posted_at, "comments": []})
        if comment_id is not None:
            author = {"id": author_id, "name": name}
            posts[-1]["comments"].append(
                {"id": comment_id, "body": body, "created_at": created_at, "author": author}
            )
    return posts
