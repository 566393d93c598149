"""Reads all posts in batches, newest first. Memory holds one batch, however many posts there are.

Each batch is one statement that starts after the last row of the batch before (keyset). A
server-side cursor would hold a connection and a transaction open until the slowest client has read
everything, and VACUUM could not remove newer dead rows meanwhile. The price is that the batches
share no snapshot. A post that changes during the export appears in its old or new form. A post
added on top does not appear.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

from services.dataset.posts import Post, as_post

Row = tuple[Any, ...]
Fetch = Callable[[str, Sequence[object]], Awaitable[list[Row]]]

#: A few hundred kilobytes. The cost of a statement is spread over many rows, and encoding a batch
#: does not stall the event loop.
ROWS_PER_BATCH = 200

#: The next posts with author and tags. Parameters: `created_at` and id of the last post, limit.
_NEXT_POSTS = """
    SELECT posts.id, posts.title, posts.body, posts.created_at, authors.id, authors.name,
           ARRAY(
               SELECT tags.name FROM post_tags JOIN tags ON tags.id = post_tags.tag_id
               WHERE post_tags.post_id = posts.id ORDER BY tags.name
           )
    FROM posts JOIN authors ON authors.id = posts.author_id
    WHERE (posts.created_at, posts.id) < (%s::timestamptz, %s)
    ORDER BY posts.created_at DESC, posts.id DESC
    LIMIT %s
"""
_BEFORE_NEWEST: tuple[object, int] = ("infinity", 0)


async def post_batches(
    fetch: Fetch, limit: int, rows_per_batch: int = ROWS_PER_BATCH
) -> AsyncIterator[list[Post]]:
    """Yield at most `limit` posts in batches that are never empty. Raises the errors of `fetch`."""
    position = _BEFORE_NEWEST
    while limit > 0:
        rows = await fetch(_NEXT_POSTS, (*position, min(limit, rows_per_batch)))
        if not rows:
            return
        posts = [as_post(row) for row in rows]
        yield posts
        position = (posts[-1]["created_at"], posts[-1]["id"])
        limit -= len(posts)
