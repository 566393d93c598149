"""What both variants send; they differ in the encoder alone."""

from collections.abc import Callable
from time import perf_counter

from aiohttp import web

from services import telemetry
from services.chassis.distribution import Distributions
from services.chassis.metrics import METRICS
from services.chassis.parameters import PARAMETERS
from services.json_serialization.rows import ROWS

ENCODE_DURATION = web.AppKey("encode_duration", Distributions)


def use_encode_duration(application: web.Application) -> None:
    application[ENCODE_DURATION] = application[METRICS].histogram(telemetry.JSON_ENCODE_DURATION)


def encoded(request: web.Request, encoder: str, encode: Callable[[object], bytes]) -> web.Response:
    rows = request.app[ROWS][: request[PARAMETERS].integer("rows")]
    started = perf_counter()
    body = encode({"count": len(rows), "rows": rows})
    seconds = perf_counter() - started
    metrics = request.app[METRICS]
    request.app[ENCODE_DURATION].labels(metrics.technique, encoder).observe(seconds)
    return web.Response(body=body, content_type="application/json", charset="utf-8")
