"""Optimized variant: encodes with orjson, or as MessagePack if the client prefers MessagePack.

Many rows are encoded in slices (`slices`), so that other requests are answered in between.
"""

from aiohttp import web

from services.json_serialization.json_response import (
    VARY_BY_ACCEPT,
    negotiated_media_type,
    observe_encoding,
)
from services.json_serialization.kept_rows import requested_rows
from services.json_serialization.slices import (
    DocumentFormat,
    JsonFormat,
    MsgpackFormat,
    encode_in_slices,
)

_FORMATS: dict[str, DocumentFormat] = {
    document_format.media_type: document_format
    for document_format in (JsonFormat(), MsgpackFormat())
}
_OFFERED = tuple(_FORMATS)


async def optimized(request: web.Request) -> web.Response:
    document_format = _FORMATS[negotiated_media_type(request, _OFFERED)]
    body, seconds = await encode_in_slices(requested_rows(request), document_format)
    observe_encoding(request, document_format.encoder, seconds)
    return web.Response(body=body, content_type=document_format.media_type, headers=VARY_BY_ACCEPT)
