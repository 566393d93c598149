"""What all variants do: some work that leaves as many log records as the request asks for."""

from collections.abc import Callable
from datetime import UTC, datetime

from aiohttp import web

from services.async_logging.context import bind, bound
from services.async_logging.record import Level, Record
from services.chassis.application import json_response
from services.chassis.parameters import PARAMETERS
from services.chassis.request_context import REQUEST_ID


def log_the_work(request: web.Request, log: Callable[[Record], object]) -> web.Response:
    records = request[PARAMETERS].integer("records")
    with bind(_of_the_request(request)):
        for step in range(1, records + 1):
            log(_record("order checked", {"step": step, "steps": records}))
    return json_response({"records": records})


def _of_the_request(request: web.Request) -> dict[str, object]:
    return {
        "request_id": REQUEST_ID.get(),
        "http.request.method": request.method,
        "url.path": request.path,
    }


def _record(body: str, fields: dict[str, object]) -> Record:
    return Record(datetime.now(UTC), Level.INFO, body, {**bound(), **fields})
