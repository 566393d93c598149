"""What both variants do: some work that leaves as many log records as the request asks for."""

from collections.abc import Callable

from aiohttp import web

from services.async_logging.record import Record, make_record
from services.chassis.application import json_response
from services.chassis.context import REQUEST_ID
from services.chassis.parameters import PARAMETERS


def log_the_work(request: web.Request, log: Callable[[Record], object]) -> web.Response:
    records = request[PARAMETERS].integer("records")
    request_id = REQUEST_ID.get()
    for step in range(1, records + 1):
        log(
            make_record(
                "INFO", "order checked", request_id, step=step, steps=records, path=request.path
            )
        )
    return json_response({"records": records})
