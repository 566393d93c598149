"""Batch variant: row-by-row code over batch loaders, which send one query per relation."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from aiohttp import web

from services.avoiding_n_plus_one.batch_loader import BatchLoader
from services.avoiding_n_plus_one.budgeted_handler import counted_session
from services.avoiding_n_plus_one.nesting import Document, author_from, comment_from, post_from
from services.avoiding_n_plus_one.post_range import POSTS_IN_RANGE, requested_range
from services.avoiding_n_plus_one.query_budget import QuerySession, Row
from services.chassis.application import json_response
from services.chassis.cpu_meter import metered

#: Maximum keys of one query. No list has that many comments, so a relation takes one query.
MAXIMUM_BATCH = 10_000

_COMMENTS = """
    SELECT post_id, id, body, created_at, author_id FROM comments
    WHERE post_id = ANY(%s) ORDER BY id
"""
_AUTHORS = "SELECT id, name FROM authors WHERE id = ANY(%s)"


class _Loaders(NamedTuple):
    comments: BatchLoader[int, list[Row]]
    authors: BatchLoader[int, Document]


async def batch(request: web.Request) -> web.Response:
    async with counted_session(request) as session:
        rows = await session.fetch(POSTS_IN_RANGE, requested_range(request))
        queries = _BatchQueries(session)
        async with (
            BatchLoader(lambda keys: metered(queries.comments(keys)), MAXIMUM_BATCH) as comments,
            BatchLoader(lambda keys: metered(queries.authors(keys)), MAXIMUM_BATCH) as authors,
        ):
            loaders = _Loaders(comments, authors)
            posts = await asyncio.gather(*(metered(_post(loaders, row)) for row in rows))
    return json_response({"posts": posts})


async def _post(loaders: _Loaders, row: Row) -> Document:
    comments = await loaders.comments.load(row[0])
    authors = await loaders.authors.load_many([author_id for *_, author_id in comments])
    return post_from(
        row,
        [
            comment_from(tuple(comment), author)
            for (*comment, _), author in zip(comments, authors, strict=True)
        ],
    )


class _BatchQueries:
    """Loads comments and authors over one connection, which runs one statement at a time."""

    def __init__(self, session: QuerySession) -> None:
        self._session = session
        self._lock = asyncio.Lock()

    async def comments(self, post_ids: Sequence[int]) -> Mapping[int, list[Row]]:
        """Each post's comments. A post without comments gets an empty list, not a missing key."""
        by_post: defaultdict[int, list[Row]] = defaultdict(list)
        for post_id, *comment in await self._fetch(_COMMENTS, post_ids):
            by_post[post_id].append(tuple(comment))
        return {post_id: by_post[post_id] for post_id in post_ids}

    async def authors(self, author_ids: Sequence[int]) -> Mapping[int, Document]:
        rows = await self._fetch(_AUTHORS, author_ids)
        return {row[0]: author_from(row) for row in rows}

    async def _fetch(self, statement: str, keys: Sequence[int]) -> list[Row]:
        async with self._lock:
            return await self._session.fetch(statement, (list(keys),))
