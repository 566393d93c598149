"""The JSON document that all variants send, made for each request from posts kept in memory."""

from collections.abc import AsyncIterator, Iterator

import orjson
from aiohttp import web

from services.chassis.parameters import PARAMETERS
from services.chassis.postgres import DATABASE
from services.compression.technique import TECHNIQUE
from services.dataset.posts import NEWEST_POSTS, Post, as_post

POSTS = web.AppKey("posts", list[Post])


async def keep_posts(application: web.Application) -> AsyncIterator[None]:
    """Read as many posts as a request may ask for, with their whole text. A cleanup context."""
    maximum = TECHNIQUE.parameters[0].schema()["maximum"]
    rows = await application[DATABASE].fetch(NEWEST_POSTS, (maximum,))
    application[POSTS] = [as_post(row) for row in rows]
    yield


def posts_document(request: web.Request) -> bytes:
    posts = _requested_posts(request)
    return orjson.dumps({"count": len(posts), "posts": posts})


def posts_document_pieces(request: web.Request) -> Iterator[bytes]:
    """Yield the same bytes, one post at a time."""
    posts = _requested_posts(request)
    yield b'{"count":%d,"posts":[' % len(posts)
    for number, post in enumerate(posts):
        yield (b"," if number else b"") + orjson.dumps(post)
    yield b"]}"


def _requested_posts(request: web.Request) -> list[Post]:
    return request.app[POSTS][: request[PARAMETERS].integer("posts")]
