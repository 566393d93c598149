"""Files of the folder `assets`, sent in the smallest coding that the client accepts."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

from aiohttp import hdrs, web

from services.chassis.errors import NotFound
from services.compression import entity_tag, static_files
from services.compression.accept_encoding import IDENTITY
from services.compression.encoder import Encoded
from services.compression.observer import OBSERVER
from services.compression.optimized import (
    accepted_by,
    add_vary,
    chosen,
    is_unmodified,
    put,
)
from services.compression.static_files import StaticFile
from services.compression.technique import TECHNIQUE

FILES = web.AppKey("files", dict[str, StaticFile])
PATH = TECHNIQUE.path("static") + "/{name}"

_ASSETS = Path(__file__).parent / "assets"
#: To be kept, and asked for again under its tag: a name stays when its file changes.
_CACHE_CONTROL = "no-cache"


async def load_files(application: web.Application) -> AsyncIterator[None]:
    """A cleanup context: all of the slow work, before the first request."""
    application[FILES] = await asyncio.to_thread(static_files.load, _ASSETS)
    yield


async def static(request: web.Request) -> web.Response:
    file = request.app[FILES].get(request.match_info["name"])
    if file is None:
        raise NotFound("there is no such file")
    coding = chosen(lambda: file.choose(accepted_by(request)))
    plain, encoded = file.bodies[IDENTITY], file.bodies[coding]
    headers = {hdrs.CACHE_CONTROL: _CACHE_CONTROL}
    response = web.Response(body=plain, content_type=file.content_type, headers=headers)
    add_vary(response)
    if not is_unmodified(request, response, entity_tag.of_coding(file.tag, coding)):
        put(response, Encoded(coding, encoded))
        request.app[OBSERVER].encoded(coding, len(plain), len(encoded), 0.0)
    return response
