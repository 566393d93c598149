"""Shared by the JSON variants: the negotiated media type, the response, the time of encoding."""

from collections.abc import Callable
from http import HTTPStatus
from time import perf_counter

from aiohttp import hdrs, web

from services import telemetry
from services.chassis.errors import Problem
from services.chassis.histogram_collector import HistogramCollector
from services.chassis.media_type import best_media_type
from services.chassis.metrics import METRICS
from services.json_serialization.kept_rows import requested_rows

ENCODE_DURATION = web.AppKey("encode_duration", HistogramCollector)
#: For every response whose media type was negotiated. Without it a shared cache could answer a
#: client with the media type of another client.
VARY_BY_ACCEPT: dict[str, str] = {hdrs.VARY: hdrs.ACCEPT}


class MediaTypeNotAcceptable(Problem):
    """The client accepts none of the offered media types; the problem document lists them."""

    status = HTTPStatus.NOT_ACCEPTABLE

    def __init__(self, offered: tuple[str, ...]) -> None:
        super().__init__(
            f"Accept excludes all offered media types; accept one of {', '.join(offered)}",
            offered=list(offered),
        )
        self.headers.update(VARY_BY_ACCEPT)


def use_encode_duration(application: web.Application) -> None:
    application[ENCODE_DURATION] = application[METRICS].histogram(telemetry.JSON_ENCODE_DURATION)


def negotiated_media_type(request: web.Request, offered: tuple[str, ...]) -> str:
    """Return the best offered media type by the Accept header. Raises MediaTypeNotAcceptable."""
    media_type = best_media_type(request.headers.getall(hdrs.ACCEPT, ()), offered)
    if media_type is None:
        raise MediaTypeNotAcceptable(offered)
    return media_type


def respond_with_rows(
    request: web.Request, encoder: str, encode: Callable[[object], bytes]
) -> web.Response:
    """Encode the requested rows in one step. `encoder` is the metric's label."""
    rows = requested_rows(request)
    started = perf_counter()
    body = encode({"count": len(rows), "rows": rows})
    observe_encoding(request, encoder, perf_counter() - started)
    return encoded_json_response(body)


def observe_encoding(request: web.Request, encoder: str, seconds: float) -> None:
    technique = request.app[METRICS].technique
    request.app[ENCODE_DURATION].labels(technique, encoder).observe(seconds)


def encoded_json_response(body: bytes) -> web.Response:
    return web.Response(body=body, content_type="application/json", charset="utf-8")
