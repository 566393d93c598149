"""What the variants send: the asked number of rows, in a body made by an encoder."""

from collections.abc import Callable
from time import perf_counter

from aiohttp import web

from services import telemetry
from services.chassis.histogram_collector import HistogramCollector
from services.chassis.metrics import METRICS
from services.chassis.parameters import PARAMETERS
from services.dataset.posts import Post
from services.json_serialization.rows import ROWS

ENCODE_DURATION = web.AppKey("encode_duration", HistogramCollector)


def use_encode_duration(application: web.Application) -> None:
    application[ENCODE_DURATION] = application[METRICS].histogram(telemetry.JSON_ENCODE_DURATION)


def rows_of(request: web.Request) -> list[Post]:
    return request.app[ROWS][: request[PARAMETERS].integer("rows")]


def encoded(request: web.Request, encoder: str, encode: Callable[[object], bytes]) -> web.Response:
    """JSON, encoded at once."""
    rows = rows_of(request)
    started = perf_counter()
    body = encode({"count": len(rows), "rows": rows})
    observe(request, encoder, perf_counter() - started)
    return json_of(body)


def observe(request: web.Request, encoder: str, seconds: float) -> None:
    technique = request.app[METRICS].technique
    request.app[ENCODE_DURATION].labels(technique, encoder).observe(seconds)


def json_of(body: bytes) -> web.Response:
    return web.Response(body=body, content_type="application/json", charset="utf-8")
