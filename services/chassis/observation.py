"""Around every request: an id, a deadline, problem documents, and the time it really took.

The time is taken in an access logger, not in the middleware: aiohttp writes a body after every
middleware has returned, and under uvloop the duration that aiohttp itself passes on is rounded to a
millisecond.
"""

import asyncio
import random
import re
from time import perf_counter

from aiohttp import web
from aiohttp.abc import AbstractAccessLogger
from aiohttp.typedefs import Handler, Middleware

from services.chassis.context import REQUEST_ID, VARIANT
from services.chassis.errors import as_problem
from services.chassis.metrics import METRICS, Metrics

#: A client may name its request; anything longer or stranger is replaced, not echoed.
_ACCEPTABLE_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}")

#: Routes with these names are the operator's: not part of any measurement.
OPERATIONS = frozenset({"healthz", "readyz", "metrics", "openapi"})
_UNMATCHED = "unmatched"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

STARTED = web.RequestKey("started", float)
LABEL = web.RequestKey("label", tuple)


def request_id_of(request: web.Request) -> str:
    """The client's own id when it is acceptable, else a new one of 128 random bits."""
    given = request.headers.get("X-Request-ID")
    if given is not None and _ACCEPTABLE_ID.fullmatch(given):
        return given
    # An id must be unique, not secret.
    return f"{random.getrandbits(128):032x}"


def observation(metrics: Metrics, timeout: float) -> Middleware:
    """A middleware that answers every failure itself; `timeout` in seconds per request."""
    active = metrics.active_requests

    @web.middleware
    async def observe(request: web.Request, handler: Handler) -> web.StreamResponse:
        started = perf_counter()
        request[STARTED] = started
        variant = request.match_info.route.name or _UNMATCHED
        request[LABEL] = (metrics.technique, variant)
        request_id = request_id_of(request)
        REQUEST_ID.set(request_id)
        VARIANT.set(variant)
        active.inc()
        try:
            async with asyncio.timeout(timeout):
                response = await handler(request)
        except Exception as error:  # noqa: BLE001 - the one place that turns any failure into an answer
            response = as_problem(error).response(request_id)
        finally:
            active.dec()
        if not response.prepared:
            response.headers["X-Request-ID"] = request_id
            response.headers["Server-Timing"] = f"app;dur={(perf_counter() - started) * 1e3:.3f}"
        return response

    return observe


class RequestRecorder(AbstractAccessLogger):
    """Observes each request's duration once its last byte has been handed to the socket."""

    def log(self, request: web.BaseRequest, response: web.StreamResponse, time: float) -> None:
        if not isinstance(request, web.Request) or LABEL not in request:
            return  # malformed HTTP: refused by the parser, never routed
        label = request[LABEL]
        if label[1] in OPERATIONS:
            return
        method = request.method if request.method in _METHODS else "OTHER"
        request.app[METRICS].request_finished(
            label,
            method,
            response.status,
            perf_counter() - request[STARTED],
            response.body_length,
        )
