"""The wrapper around every handler: request id, deadline, problem documents, metrics.

Each technique is measured together with this code, so every microsecond counts. Therefore this code
is a wrapper and not a middleware. The wrapper also writes the response itself. aiohttp would write
it after the handler has returned, and the time for a large or compressed body would not be
measured.

Next: deadlines.py cancels late requests, errors.py makes problem documents, metrics.py counts.
"""

import asyncio
import logging
from time import perf_counter

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.typedefs import Handler
from multidict import istr

from services.chassis.cpu_meter import CpuSampler
from services.chassis.deadlines import Deadlines
from services.chassis.errors import DeadlineExceeded, Problem, as_problem
from services.chassis.metrics import Label, Metrics
from services.chassis.request_context import (
    REQUEST_ID,
    REQUEST_ID_HEADER,
    VARIANT,
    request_id_of,
)

logger = logging.getLogger(__name__)

_SERVER_TIMING = istr("Server-Timing")

#: Status recorded for requests whose client disconnected. nginx uses 499; no RFC defines one.
CLIENT_DISCONNECTED = 499


class HandlerWrapper:
    """Wraps the handlers of one application.

    A request that takes `slow_seconds` or longer is logged, and becomes the exemplar of its bucket.
    """

    def __init__(self, metrics: Metrics, deadlines: Deadlines, slow_seconds: float) -> None:
        self._metrics = metrics
        self._deadlines = deadlines
        self._slow_seconds = slow_seconds

    def wrap(self, label: Label, handler: Handler) -> Handler:
        """A handler that turns every failure into a response, and counts requests by the label."""
        recorder = self._metrics.recorder(label)
        deadlines, slow_seconds = self._deadlines, self._slow_seconds
        sampler = CpuSampler()

        async def wrapped(request: web.Request) -> web.StreamResponse:
            started = perf_counter()
            request_id = request_id_of(request)
            REQUEST_ID.set(request_id)
            VARIANT.set(label[1])
            task = asyncio.current_task()
            assert task is not None  # noqa: S101 - aiohttp runs each handler in a task
            meter = sampler.meter(started)
            deadlines.begin(task, started)
            try:
                try:
                    handling = handler(request)
                    response = await (handling if meter is None else meter.run(handling))
                except asyncio.CancelledError:
                    if not deadlines.undo_cancellation(task):
                        raise
                    response = _problem_response(request, DeadlineExceeded(), request_id)
                except Exception as error:  # noqa: BLE001 - any failure becomes a response here
                    response = _problem_response(request, as_problem(error), request_id)
                if not response.prepared:
                    sending = _send(request, response, request_id, started)
                    await (sending if meter is None else meter.run(sending))
            except asyncio.CancelledError:
                seconds = perf_counter() - started
                recorder.answered(request.method, CLIENT_DISCONNECTED, seconds, 0)
                raise
            finally:
                deadlines.end(task)
            seconds = perf_counter() - started
            body_bytes = _body_bytes(request.method, response)
            recorder.answered(request.method, response.status, seconds, body_bytes)
            if meter is not None:
                recorder.took_cpu(meter.seconds)
            if seconds >= slow_seconds:
                recorder.mark_slow(request.method, response.status, seconds, request_id)
                _log_slow(request, seconds, request_id)
            return response

        return wrapped


def _log_slow(request: web.Request, seconds: float, request_id: str) -> None:
    # The raw path keeps its escapes, so a client cannot forge another log line with it.
    logger.warning(
        "slow: %s %s took %.3f s, request %s", request.method, request.raw_path, seconds, request_id
    )


async def _send(
    request: web.Request, response: web.StreamResponse, request_id: str, started: float
) -> None:
    headers = response.headers
    headers[REQUEST_ID_HEADER] = request_id
    headers[_SERVER_TIMING] = f"app;dur={(perf_counter() - started) * 1e3:.3f}"
    try:
        await response.prepare(request)
        await response.write_eof()
    except ConnectionError:
        pass  # the client disconnected, or the handler aborted a response that it had begun
    except asyncio.CancelledError:
        # The deadline passed because the client does not read. Drop what is still buffered.
        _abort_connection(request)
        raise


def _problem_response(request: web.Request, problem: Problem, request_id: str) -> web.Response:
    if _response_has_begun(request.writer):
        # The client would read a second response as the rest of the first one's body.
        _abort_connection(request)
    return problem.response(request_id)


def _response_has_begun(writer: AbstractStreamWriter) -> bool:
    """Whether a response has been prepared, even if aiohttp still buffers its headers."""
    framed = writer.length is not None or getattr(writer, "chunked", False)
    return bool(framed or writer.output_size)


def _abort_connection(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()


def _body_bytes(method: str, response: web.StreamResponse) -> int:
    if method == "HEAD":
        return 0
    body = getattr(response, "body", None)
    if type(body) is bytes:
        return len(body)
    # A streamed body: Content-Length if declared. Otherwise the bytes written; in these, aiohttp
    # includes the headers.
    declared = response.content_length
    return response.body_length if declared is None else declared


HANDLER_WRAPPER = web.AppKey("handler_wrapper", HandlerWrapper)
