"""The HTTP interface that shows and changes the continuous load.

    GET  /drive         the present load as JSON
    PUT  /drive         change the given fields: `{"rate": 50, "techniques": ["caching"]}`
    POST /drive/start   start the load
    POST /drive/stop    stop the load

A change ends the present slot and takes effect within a second. An invalid request changes nothing;
it gets status 400 with application/problem+json (RFC 9457). The fields are in `continuous_load`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from http import HTTPStatus

import orjson
from aiohttp import web

from loadgen.driving.continuous_load import ContinuousLoad, LoadRefused, Slot

#: A longer body gets status 413.
MAXIMUM_BODY_BYTES = 65_536

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class DriveState:
    """The load that clients asked for, and the slot that the driver runs at present."""

    def __init__(self, load: ContinuousLoad | None = None) -> None:
        self.load = load or ContinuousLoad()
        #: Set when `load` is replaced. Each load has its own event.
        self.changed = asyncio.Event()
        self.current: Slot | None = None
        self._since = datetime.now(UTC)

    def change(self, changes: Mapping[str, object]) -> None:
        """Change the load. Raises LoadRefused without changing anything."""
        load = self.load.with_changes(changes)
        if load == self.load:
            return
        self.load, self._since = load, datetime.now(UTC)
        previous, self.changed = self.changed, asyncio.Event()
        previous.set()

    def as_document(self) -> dict[str, object]:
        """The load, the present slot, and the time of the last change."""
        return self.load.model_dump() | {
            "current": self.current._asdict() if self.current else None,
            "since": self._since.isoformat(timespec="milliseconds"),
        }


def drive_routes(state: DriveState) -> list[web.RouteDef]:
    async def show(request: web.Request) -> web.Response:
        return _json(state.as_document())

    async def change(request: web.Request) -> web.Response:
        state.change(_parse_changes(await request.read()))
        return _json(state.as_document())

    def switch(running: bool) -> Handler:
        async def handle(request: web.Request) -> web.Response:
            state.change({"running": running})
            return _json(state.as_document())

        return handle

    return [
        web.get("/drive", show),
        web.put("/drive", change),
        web.post("/drive/start", switch(running=True)),
        web.post("/drive/stop", switch(running=False)),
    ]


def _parse_changes(body: bytes) -> dict[str, object]:
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise LoadRefused(f"the body is not JSON: {error}") from None
    if not isinstance(document, dict):
        fields = ", ".join(ContinuousLoad.model_fields)
        raise LoadRefused(f"the body must be a JSON object with some of {fields}")
    return document


@web.middleware
async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Return every refusal, also aiohttp's own, as application/problem+json."""
    try:
        return await handler(request)
    except LoadRefused as refused:
        return _problem(HTTPStatus.BAD_REQUEST, str(refused), refused.members)
    except web.HTTPException as error:
        response = _problem(HTTPStatus(error.status), error.text or error.reason, {})
        if "Allow" in error.headers:
            response.headers["Allow"] = error.headers["Allow"]
        return response


def _problem(status: HTTPStatus, detail: str, members: Mapping[str, str]) -> web.Response:
    document = {"type": "about:blank", "title": status.phrase, "status": status, "detail": detail}
    return _json({**document, **members}, status, "application/problem+json")


def _json(
    document: object, status: int = 200, content_type: str = "application/json"
) -> web.Response:
    return web.Response(status=status, body=orjson.dumps(document), content_type=content_type)
