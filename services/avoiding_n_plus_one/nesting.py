"""Builds posts with nested comments from flat database rows."""

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
    """Nests rows of two kinds: each post is followed by its comments.

    A row is (post_id, comment_id, text, created_at, author_id, author_name). If comment_id is None,
    the row is a post and `text` its title. Otherwise it is a comment and `text` its body.
    """
    posts: list[Document] = []
    comments: list[Document] = []
    for post_id, comment_id, text, created_at, author_id, name in rows:
        # Inlined here and below: calling a function per row would take a tenth of the whole time.
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
    """Nests the rows of an outer join, which repeat each post. A post's rows must be adjacent.

    A row is (post_id, title, created_at, comment_id, body, created_at, author_id, author_name).
    A post without comments has one row, with None from comment_id on.
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
