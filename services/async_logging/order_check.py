"""The request that all variants answer: check an order in steps and log one record per step."""

from collections.abc import Callable
from datetime import UTC, datetime

from aiohttp import web

from services.async_logging.bound_fields import bind_fields, bound_fields
from services.async_logging.log_record import Level, Record
from services.chassis.application import json_response
from services.chassis.parameters import PARAMETERS
from services.chassis.request_context import REQUEST_ID


def check_order(request: web.Request, log: Callable[[Record], object]) -> web.Response:
    """Call `log` once per step. The parameter `records` sets the number of steps."""
    steps = request[PARAMETERS].integer("records")
    with bind_fields(_request_fields(request)):
        for step in range(1, steps + 1):
            log(_record("order checked", {"step": step, "steps": steps}))
    return json_response({"records": steps})


def _request_fields(request: web.Request) -> dict[str, object]:
    return {
        "request_id": REQUEST_ID.get(),
        "http.request.method": request.method,
        "url.path": request.path,
    }


def _record(body: str, fields: dict[str, object]) -> Record:
    return Record(datetime.now(UTC), Level.INFO, body, {**bound_fields(), **fields})
