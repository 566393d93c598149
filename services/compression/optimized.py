"""The best coding that the client accepts, where it makes the body smaller."""

from http import HTTPStatus

from aiohttp import web
from prometheus_client import Counter

from services.chassis.cpu import in_thread
from services.chassis.errors import Problem
from services.compression.accept_encoding import (
    IDENTITY,
    NotAcceptable,
    accepts_identity,
    choose,
)
from services.compression.codings import CODINGS, MINIMUM_BYTES
from services.compression.payload import payload
from services.compression.technique import TECHNIQUE

COMPRESSED_BYTES = web.AppKey("compressed_bytes", Counter)

#: Above this a body is compressed in a thread: the event loop would stand still for over 2 ms.
_THREAD_BYTES = 256 * 1024


class CodingNotAcceptable(Problem):
    status = HTTPStatus.NOT_ACCEPTABLE


async def optimized(request: web.Request) -> web.Response:
    body = payload(request)
    # A header sent in several lines means the same as one line with commas.
    accepted = ",".join(request.headers.getall("Accept-Encoding", [])) or None
    coding = _coding(accepted)
    encoded = await _encoded(body, coding)
    if not _pays(body, encoded) and accepts_identity(accepted):
        coding, encoded = IDENTITY, body
    _count(request, coding, len(body), len(encoded))
    headers = {"Vary": "Accept-Encoding"}
    if coding != IDENTITY:
        headers["Content-Encoding"] = coding
    return web.Response(body=encoded, content_type="application/json", headers=headers)


def _coding(accepted: str | None) -> str:
    try:
        return choose(accepted, tuple(CODINGS))
    except NotAcceptable:
        known = ", ".join([*CODINGS, IDENTITY])
        raise CodingNotAcceptable(f"Accept-Encoding refuses all of {known}") from None


async def _encoded(body: bytes, coding: str) -> bytes:
    if coding == IDENTITY:
        return body
    compress = CODINGS[coding]
    if len(body) > _THREAD_BYTES:
        return await in_thread(compress, body)
    return compress(body)


def _pays(body: bytes, encoded: bytes) -> bool:
    return len(body) >= MINIMUM_BYTES and len(encoded) < len(body)


def _count(request: web.Request, coding: str, before: int, after: int) -> None:
    counter = request.app[COMPRESSED_BYTES]
    counter.labels(TECHNIQUE.name, "optimized", coding, "in").inc(before)
    counter.labels(TECHNIQUE.name, "optimized", coding, "out").inc(after)
