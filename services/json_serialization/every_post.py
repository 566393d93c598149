"""All posts, newest first, a batch at a time: memory for one batch, however many there are.

Each batch is a statement of its own that goes on after the last row of the one before (keyset). A
server-side cursor would need one connection and one open transaction for as long as the slowest
client reads, and VACUUM could clean up nothing newer meanwhile. The price: no common snapshot; a
post that is changed meanwhile comes as it was before or after, one that is added on top not at all.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

from services.dataset.posts import Post, as_post

Row = tuple[Any, ...]
Fetch = Callable[[str, Sequence[object]], Awaitable[list[Row]]]

#: A few hundred kilobytes: enough that the statement costs little a row, and no stall to encode.
ROWS_AT_ONCE = 200

#: The next posts with author and tags; takes the moment and id of the one before, and the limit.
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
_BEFORE_ALL: tuple[object, int] = ("infinity", 0)


async def batches(
    fetch: Fetch, limit: int, rows_at_once: int = ROWS_AT_ONCE
) -> AsyncIterator[list[Post]]:
    """At most `limit` posts, none of the batches empty. Raises what `fetch` does."""
    position = _BEFORE_ALL
    while limit > 0:
        rows = await fetch(_NEXT_POSTS, (*position, min(limit, rows_at_once)))
        if not rows:
            return
        posts = [as_post(row) for row in rows]
        yield posts
        position = (posts[-1]["created_at"], posts[-1]["id"])
        limit -= len(posts)
