"""The rows that the variants encode: read once at the start, so that only encoding is compared."""

from collections.abc import AsyncIterator

from aiohttp import web

from services.chassis.postgres import DATABASE
from services.dataset.posts import NEWEST_POSTS, Post, as_post
from services.json_serialization.technique import MAXIMUM_ROWS

EXCERPT_CHARACTERS = 200

ROWS = web.AppKey("rows", list[Post])


async def keep_rows(application: web.Application) -> AsyncIterator[None]:
    """A cleanup context: as many posts as a request may ask for, with the start of their text."""
    rows = await application[DATABASE].fetch(NEWEST_POSTS, (MAXIMUM_ROWS,))
    posts = [as_post(row) for row in rows]
    for post in posts:
        post["body"] = post["body"][:EXCERPT_CHARACTERS]
    application[ROWS] = posts
    yield
