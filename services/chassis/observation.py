"""Around every request: an id, a deadline, problem documents, and the time it really took.

A wrapper around each handler and not a middleware, since every microsecond here is measured with
every technique. The answer is written inside it: aiohttp writes after a handler has returned, where
a large or compressed body would go untimed.
"""

import asyncio
import logging
import random
import re
from itertools import count
from time import perf_counter

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.typedefs import Handler
from multidict import istr

from services.chassis.context import REQUEST_ID, VARIANT
from services.chassis.cpu import Sampling
from services.chassis.deadlines import Deadlines
from services.chassis.errors import DeadlineExceeded, Problem, as_problem
from services.chassis.metrics import Label, Metrics

logger = logging.getLogger(__name__)

# As istr, whose lower-case form is not made anew for each request.
_REQUEST_ID_HEADER = istr("X-Request-ID")
_SERVER_TIMING = istr("Server-Timing")

#: What a request counts as that nobody waits for any more: nginx's status, since no RFC has one.
CLIENT_HAS_LEFT = 499

_PROCESS_ID = f"{random.getrandbits(64):016x}"
_NUMBERS = count(1)

#: A client may name its request; anything longer or stranger is replaced, not echoed.
_ACCEPTABLE_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}")


def request_id_of(request: web.Request) -> str:
    """The client's own id when it is acceptable, else a new one: 32 hexadecimal digits."""
    given = request.headers.get(_REQUEST_ID_HEADER)
    if given is not None and _ACCEPTABLE_ID.fullmatch(given):
        return given
    # An id must be unique, not secret: the process's own random half, and a number.
    return f"{_PROCESS_ID}{next(_NUMBERS):016x}"


class Observation:
    """Wraps handlers; one for an application. Slow is a request of `slow` seconds and more."""

    def __init__(self, metrics: Metrics, deadlines: Deadlines, slow: float) -> None:
        self._metrics = metrics
        self._deadlines = deadlines
        self._slow = slow

    def of(self, label: Label, handler: Handler) -> Handler:
        """The handler, answering every failure itself, and counted under the label."""
        record = self._metrics.recorder(label)
        deadlines, slow = self._deadlines, self._slow
        cpu = Sampling()

        async def observed(request: web.Request) -> web.StreamResponse:
            started = perf_counter()
            request_id = request_id_of(request)
            REQUEST_ID.set(request_id)
            VARIANT.set(label[1])
            task = asyncio.current_task()
            assert task is not None  # noqa: S101 - aiohttp answers each request in a task
            meter = cpu.meter(started)
            deadlines.begin(task, started)
            try:
                try:
                    answering = handler(request)
                    response = await (answering if meter is None else meter.run(answering))
                except asyncio.CancelledError:
                    if not deadlines.was_passed(task):
                        raise
                    response = _problem_response(request, DeadlineExceeded(), request_id)
                except Exception as error:  # noqa: BLE001 - any failure becomes an answer here
                    response = _problem_response(request, as_problem(error), request_id)
                if not response.prepared:
                    sending = _send(request, response, request_id, started)
                    await (sending if meter is None else meter.run(sending))
            except asyncio.CancelledError:
                record.answered(request.method, CLIENT_HAS_LEFT, perf_counter() - started, 0)
                raise
            finally:
                deadlines.end(task)
            method = request.method
            seconds = perf_counter() - started
            record.answered(method, response.status, seconds, _body_bytes(method, response))
            if meter is not None:
                record.took_cpu(meter.seconds)
            if seconds >= slow:
                record.was_slow(method, response.status, seconds, request_id)
                _log_slow(request, seconds, request_id)
            return response

        return observed


def _log_slow(request: web.Request, seconds: float, request_id: str) -> None:
    # The path as it came, escapes and all: nothing in it can pass for a line of its own.
    logger.warning(
        "slow: %s %s took %.3f s, request %s", request.method, request.raw_path, seconds, request_id
    )


async def _send(
    request: web.Request, response: web.StreamResponse, request_id: str, started: float
) -> None:
    headers = response.headers
    headers[_REQUEST_ID_HEADER] = request_id
    headers[_SERVER_TIMING] = f"app;dur={(perf_counter() - started) * 1e3:.3f}"
    try:
        await response.prepare(request)
        await response.write_eof()
    except ConnectionError:
        pass  # the client has gone, or a handler has broken off what it had begun to send
    except asyncio.CancelledError:
        # Past its deadline, by a client that does not read: what is buffered goes with it.
        _break_off(request)
        raise


def _problem_response(request: web.Request, problem: Problem, request_id: str) -> web.Response:
    if _has_begun(request.writer):
        # A second answer behind half of a first would pass for the rest of its body.
        _break_off(request)
    return problem.response(request_id)


def _has_begun(writer: AbstractStreamWriter) -> bool:
    """Whether an answer has been prepared, even if aiohttp still holds its headers back."""
    framed = writer.length is not None or getattr(writer, "chunked", False)
    return bool(framed or writer.output_size)


def _break_off(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()


def _body_bytes(method: str, response: web.StreamResponse) -> int:
    if method == "HEAD":
        return 0
    body = getattr(response, "body", None)
    if type(body) is bytes:
        return len(body)
    # A stream: as declared, else what was written, in which aiohttp counts the headers.
    declared = response.content_length
    return response.body_length if declared is None else declared


OBSERVATION = web.AppKey("observation", Observation)
