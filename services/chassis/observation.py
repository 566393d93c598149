"""Around every request: an id, a deadline, problem documents, and the time it really took.

A wrapper around each handler and not a middleware, since every microsecond here is measured with
every technique. The answer is written inside it: aiohttp writes after a handler has returned, where
a large or compressed body would go untimed.
"""

import asyncio
import random
import re
from time import perf_counter
from typing import cast

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.typedefs import Handler

from services.chassis.context import REQUEST_ID, VARIANT
from services.chassis.deadlines import Deadlines, Task
from services.chassis.errors import DeadlineExceeded, Problem, as_problem
from services.chassis.metrics import Label, Metrics

#: A client may name its request; anything longer or stranger is replaced, not echoed.
_ACCEPTABLE_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}")


def request_id_of(request: web.Request) -> str:
    """The client's own id when it is acceptable, else a new one of 128 random bits."""
    given = request.headers.get("X-Request-ID")
    if given is not None and _ACCEPTABLE_ID.fullmatch(given):
        return given
    # An id must be unique, not secret.
    return f"{random.getrandbits(128):032x}"


class Observation:
    """Wraps handlers; one for an application."""

    def __init__(self, metrics: Metrics, deadlines: Deadlines) -> None:
        self._metrics = metrics
        self._deadlines = deadlines

    def of(self, label: Label, handler: Handler) -> Handler:
        """The handler, answering every failure itself, and counted under the label."""
        record = self._metrics.request_finished
        deadlines = self._deadlines
        variant = label[1]

        async def observed(request: web.Request) -> web.StreamResponse:
            started = perf_counter()
            request_id = request_id_of(request)
            REQUEST_ID.set(request_id)
            VARIANT.set(variant)
            task = cast("Task", asyncio.current_task())
            deadlines.begin(task, started)
            try:
                response = await _answer(request, handler, request_id, deadlines, task)
                if not response.prepared:
                    await _send(request, response, request_id, started)
            finally:
                deadlines.end(task)
            seconds = perf_counter() - started
            record(label, request.method, response.status, seconds, _body_bytes(request, response))
            return response

        return observed


async def _answer(
    request: web.Request, handler: Handler, request_id: str, deadlines: Deadlines, task: Task
) -> web.StreamResponse:
    try:
        return await handler(request)
    except asyncio.CancelledError:
        if not deadlines.was_passed(task):
            raise
        problem: Problem = DeadlineExceeded()
    except Exception as error:  # noqa: BLE001 - the one place that turns any failure into an answer
        problem = as_problem(error)
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


def _body_bytes(request: web.Request, response: web.StreamResponse) -> int:
    if request.method == "HEAD":
        return 0
    # aiohttp's body_length counts the headers in.
    declared = response.content_length
    return response.body_length if declared is None else declared


async def _send(
    request: web.Request, response: web.StreamResponse, request_id: str, started: float
) -> None:
    if request.transport is None or request.transport.is_closing():
        return  # the client has gone, or a handler has broken off what it had begun to send
    headers = response.headers
    headers["X-Request-ID"] = request_id
    headers["Server-Timing"] = f"app;dur={(perf_counter() - started) * 1e3:.3f}"
    try:
        await response.prepare(request)
        await response.write_eof()
    except asyncio.CancelledError:
        # Past its deadline, by a client that does not read: what is buffered goes with it.
        _break_off(request)
        raise


OBSERVATION = web.AppKey("observation", Observation)
