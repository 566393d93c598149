"""Written as naive is, row by row, over loaders that gather what is asked for: three statements."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from aiohttp import web

from services.avoiding_n_plus_one.loader import Loader
from services.avoiding_n_plus_one.naive import POSTS
from services.avoiding_n_plus_one.nesting import Document, author_from, comment_from, post_from
from services.avoiding_n_plus_one.query_budget import Row, Session
from services.avoiding_n_plus_one.request_budget import counted_session
from services.chassis.application import json_response
from services.chassis.cpu_meter import metered
from services.chassis.parameters import PARAMETERS

#: In keys. A list has fewer comments than that: a second batch would exceed the budget.
MAXIMUM_BATCH = 10_000

_COMMENTS = """
    SELECT post_id, id, body, created_at, author_id FROM comments
    WHERE post_id = ANY(%s) ORDER BY id
"""
_AUTHORS = "SELECT id, name FROM authors WHERE id = ANY(%s)"


class _Loaders(NamedTuple):
    comments: Loader[int, list[Row]]
    authors: Loader[int, Document]


async def batch(request: web.Request) -> web.Response:
    parameters = request[PARAMETERS]
    async with counted_session(request) as session:
        rows = await session.fetch(
            POSTS, (parameters.integer("start"), parameters.integer("posts"))
        )
        reads = _Reads(session)
        async with (
            Loader(lambda keys: metered(reads.comments(keys)), MAXIMUM_BATCH) as comments,
            Loader(lambda keys: metered(reads.authors(keys)), MAXIMUM_BATCH) as authors,
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


class _Reads:
    """The loaders' statements over one connection, which runs one at a time."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._turn = asyncio.Lock()

    async def comments(self, post_ids: Sequence[int]) -> Mapping[int, list[Row]]:
        by_post: defaultdict[int, list[Row]] = defaultdict(list)
        for post_id, *comment in await self._rows(_COMMENTS, post_ids):
            by_post[post_id].append(tuple(comment))
        # A post without comments is no missing one.
        return {post_id: by_post[post_id] for post_id in post_ids}

    async def authors(self, author_ids: Sequence[int]) -> Mapping[int, Document]:
        rows = await self._rows(_AUTHORS, author_ids)
        return {row[0]: author_from(row) for row in rows}

    async def _rows(self, statement: str, keys: Sequence[int]) -> list[Row]:
        async with self._turn:
            return await self._session.fetch(statement, (list(keys),))
