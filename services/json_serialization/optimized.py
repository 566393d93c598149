"""orjson, straight to the bytes that go out; MessagePack for who asks for it.

Many rows are encoded slice by slice, so that other requests are not held up.
"""

from aiohttp import web

from services.json_serialization.answer import observe, rows_of
from services.json_serialization.negotiation import VARY, agreed
from services.json_serialization.slices import Form, JsonForm, MsgpackForm, encode

_FORMS: dict[str, Form] = {form.media_type: form for form in (JsonForm(), MsgpackForm())}
_OFFERED = tuple(_FORMS)


async def optimized(request: web.Request) -> web.Response:
    form = _FORMS[agreed(request, _OFFERED)]
    body, seconds = await encode(rows_of(request), form)
    observe(request, form.encoder, seconds)
    return web.Response(body=body, content_type=form.media_type, headers=VARY)
