"""The rows that the variants encode, read from PostgreSQL once at the start.

The variants therefore differ only in the encoding. `json_response` and `fragments` send these rows.
"""

import gc
from collections.abc import AsyncIterator

from aiohttp import web

from services.chassis.parameters import PARAMETERS
from services.chassis.postgres import DATABASE
from services.dataset.posts import NEWEST_POSTS, Post, as_post
from services.json_serialization.technique import MAXIMUM_ROWS

EXCERPT_CHARACTERS = 200

ROWS = web.AppKey("rows", list[Post])


def requested_rows(request: web.Request) -> list[Post]:
    """Return as many rows as the request asks for, newest first."""
    return request.app[ROWS][: request[PARAMETERS].integer("rows")]


async def keep_rows(application: web.Application) -> AsyncIterator[None]:
    """Read the newest posts, each body cut to an excerpt. A cleanup context."""
    rows = await application[DATABASE].fetch(NEWEST_POSTS, (MAXIMUM_ROWS,))
    posts = [as_post(row) for row in rows]
    for post in posts:
        post["body"] = post["body"][:EXCERPT_CHARACTERS]
    application[ROWS] = posts
    yield


async def freeze_collector(application: web.Application) -> AsyncIterator[None]:
    """Exclude all objects that exist now from garbage collection. The last cleanup context.

    A full collection visits every object and stops the event loop meanwhile. With the modules and
    the kept rows it takes tens of milliseconds, and encoding many rows triggers it again and again.
    """
    gc.collect()  # garbage that is frozen would never be freed
    gc.freeze()
    yield
    gc.unfreeze()
