"""The answer of all variants before it is encoded, made anew for each request."""

from collections.abc import AsyncIterator, Iterator

import orjson
from aiohttp import web

from services.chassis.parameters import PARAMETERS
from services.chassis.postgres import DATABASE
from services.compression.technique import TECHNIQUE
from services.dataset.posts import NEWEST_POSTS, Post, as_post

POSTS = web.AppKey("posts", list[Post])


async def keep_posts(application: web.Application) -> AsyncIterator[None]:
    """A cleanup context: as many posts as a request may ask for, with their whole text."""
    most = TECHNIQUE.parameters[0].schema()["maximum"]
    rows = await application[DATABASE].fetch(NEWEST_POSTS, (most,))
    application[POSTS] = [as_post(row) for row in rows]
    yield


def payload(request: web.Request) -> bytes:
    posts = _posts(request)
    return orjson.dumps({"count": len(posts), "posts": posts})


def pieces(request: web.Request) -> Iterator[bytes]:
    """The same bytes, a post at a time."""
    posts = _posts(request)
    yield b'{"count":%d,"posts":[' % len(posts)
    for number, post in enumerate(posts):
        yield (b"," if number else b"") + orjson.dumps(post)
    yield b"]}"


def _posts(request: web.Request) -> list[Post]:
    return request.app[POSTS][: request[PARAMETERS].integer("posts")]
