"""The control of continuous load: what is to be driven, and how that is asked and changed.

    GET  /drive         what is driven, as JSON
    PUT  /drive         change what the body names: `{"rate": 50, "techniques": ["caching"]}`
    POST /drive/start   and /drive/stop

A change takes effect within a second, with the next slot; the present one is ended. What cannot be
done is refused with 400 and application/problem+json (RFC 9457), and changes nothing.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, NamedTuple

import orjson
from aiohttp import web
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from services.catalog import BY_NAME

#: Nobody's control needs more; what is longer is answered with 413.
MAXIMUM_BODY_BYTES = 65_536
_MOST_NAMES = 100

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def _known(names: list[str]) -> list[str]:
    for name in names:
        if name not in BY_NAME:
            raise ValueError(f"{name!r} is no technique")
    return names


class Load(BaseModel):
    """What is to be driven. A field's description is its bound, as a refusal names it."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    running: bool = Field(True, description="true or false")
    rate: Annotated[float, Field(gt=0, le=100_000)] | None = Field(
        None,
        description="requests per second of an open loop, above 0 and at most 100000;"
        " null for a closed loop",
    )
    # Gentle enough to leave the machine to its owner: two clients that pause between requests.
    concurrency: int = Field(
        2, ge=1, le=1000, description="clients of a closed loop, a whole number from 1 to 1000"
    )
    pause: float = Field(
        0.01,
        ge=0,
        le=1,
        description="seconds from 0 to 1 that a client of a closed loop waits after an answer",
    )
    techniques: Annotated[list[str], AfterValidator(_known)] = Field(
        list(BY_NAME),
        min_length=1,
        max_length=_MOST_NAMES,
        description=f"a list of {', '.join(BY_NAME)}; one that stands in it twice gets two slots",
    )
    variants: list[str] | None = Field(
        None,
        min_length=1,
        max_length=_MOST_NAMES,
        description="a list of variants that the techniques have, or null for all of them",
    )
    # Short: a round of all variants has to fit into the shortest window that a panel looks at.
    slot_seconds: float = Field(
        0.4, ge=0.1, le=60, description="seconds from 0.1 to 60 for which a variant is driven"
    )

    @field_validator("variants")
    @classmethod
    def _had_by_a_technique(cls, names: list[str] | None, info: ValidationInfo) -> list[str] | None:
        techniques = info.data.get("techniques", [])
        there = {name for each in techniques for name in BY_NAME[each].variant_names()}
        for name in names or []:
            if name not in there:
                raise ValueError(f"{name!r} is no variant of {', '.join(techniques)}")
        return names


class Refused(Exception):
    """A change that cannot be made: `parameter` is the field, empty where it is the whole body."""

    def __init__(self, detail: str, parameter: str = "", bound: str = "") -> None:
        super().__init__(f"{parameter}: {detail}" if parameter else detail)
        self.members = {"parameter": parameter, "bound": bound} if parameter else {}


class Slot(NamedTuple):
    """A stretch of load on one variant."""

    technique: str
    variant: str


def slots(load: Load, number: int) -> list[Slot]:
    """Those of round `number`, in order; every second round has the variants the other way round.

    So none always runs after the same neighbour, whose traces it would meet.
    """
    direction = -1 if number % 2 else 1
    return [
        Slot(technique, variant)
        for technique in load.techniques
        for variant in BY_NAME[technique].variant_names()[::direction]
        if load.variants is None or variant in load.variants
    ]


class Control:
    """Between those who say what is to be driven and the driver who says what is."""

    def __init__(self, load: Load | None = None) -> None:
        self.load = load or Load()
        #: Set once `load` is no longer what it was; the next load has an event of its own.
        self.changed = asyncio.Event()
        self.current: Slot | None = None
        self._since = datetime.now(UTC)

    def change(self, changes: Mapping[str, object]) -> None:
        """Raises Refused, and then nothing has changed."""
        load = _changed(self.load, changes)
        if load == self.load:
            return
        self.load, self._since = load, datetime.now(UTC)
        previous, self.changed = self.changed, asyncio.Event()
        previous.set()

    def state(self) -> dict[str, object]:
        """The load, what is driven at this moment, and since when the load is as it is."""
        return self.load.model_dump() | {
            "current": self.current._asdict() if self.current else None,
            "since": self._since.isoformat(timespec="milliseconds"),
        }


def _changed(load: Load, changes: Mapping[str, object]) -> Load:
    try:
        return Load.model_validate({**load.model_dump(), **changes})
    except ValidationError as error:
        raise _refusal(error) from None


def _refusal(error: ValidationError) -> Refused:
    problem = error.errors(include_input=False, include_url=False, include_context=False)[0]
    # The name may come from outside: shown only as far as any honest name is long.
    name = str(problem["loc"][0])[:64]
    field = Load.model_fields.get(name)
    if field is None:
        return Refused("no such field", name, f"one of {', '.join(Load.model_fields)}")
    return Refused(problem["msg"].removeprefix("Value error, "), name, field.description or "")


def control_routes(control: Control) -> list[web.RouteDef]:
    async def show(request: web.Request) -> web.Response:
        return _json(control.state())

    async def change(request: web.Request) -> web.Response:
        control.change(_object(await request.read()))
        return _json(control.state())

    def switch(running: bool) -> Handler:
        async def handle(request: web.Request) -> web.Response:
            control.change({"running": running})
            return _json(control.state())

        return handle

    return [
        web.get("/drive", show),
        web.put("/drive", change),
        web.post("/drive/start", switch(running=True)),
        web.post("/drive/stop", switch(running=False)),
    ]


def _object(body: bytes) -> dict[str, object]:
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Refused(f"the body is no JSON: {error}") from None
    if not isinstance(document, dict):
        raise Refused(f"the body must be an object with some of {', '.join(Load.model_fields)}")
    return document


@web.middleware
async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Whatever is refused, by us or by aiohttp, as application/problem+json."""
    try:
        return await handler(request)
    except Refused as refused:
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
