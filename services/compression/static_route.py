"""`GET /compression/static/{name}` sends files of the folder `assets` in the smallest coding."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

from aiohttp import hdrs, web

from services.chassis.errors import NotFound
from services.compression.accept_encoding import IDENTITY
from services.compression.body_encoder import EncodedBody
from services.compression.encoded_response import (
    acceptable_coding,
    accepted_encoding,
    add_vary,
    answer_304_if_known,
    set_body,
)
from services.compression.encoding_metrics import ENCODING_OBSERVER
from services.compression.precompressed_files import PrecompressedFile, load_folder
from services.compression.response_headers import tag_of_coding
from services.compression.technique import TECHNIQUE

FILES = web.AppKey("files", dict[str, PrecompressedFile])
PATH = TECHNIQUE.path("static") + "/{name}"

_ASSETS = Path(__file__).parent / "assets"
#: A client keeps the file and revalidates it by its tag, since its name stays when it changes.
_CACHE_CONTROL = "no-cache"


async def load_files(application: web.Application) -> AsyncIterator[None]:
    """Encode all files before the first request. A cleanup context."""
    application[FILES] = await asyncio.to_thread(load_folder, _ASSETS)
    yield


async def static(request: web.Request) -> web.Response:
    file = request.app[FILES].get(request.match_info["name"])
    if file is None:
        raise NotFound("there is no such file")
    coding = acceptable_coding(file.choose(accepted_encoding(request)), file.offered)
    plain, encoded = file.bodies[IDENTITY], file.bodies[coding]
    headers = {hdrs.CACHE_CONTROL: _CACHE_CONTROL}
    response = web.Response(body=plain, content_type=file.content_type, headers=headers)
    add_vary(response)
    if not answer_304_if_known(request, response, tag_of_coding(file.tag, coding)):
        set_body(response, EncodedBody(coding, encoded))
        request.app[ENCODING_OBSERVER].body_encoded(coding, len(plain), len(encoded), 0.0)
    return response
