"""How much CPU a request takes, though others are answered between its steps."""

import asyncio
from collections.abc import Awaitable, Callable, Generator
from contextvars import ContextVar
from time import thread_time
from types import coroutine
from typing import Any, ParamSpec, TypeVar

#: Measuring costs a request some 15 µs, so that it is done for one in each such interval and not
#: for all. Which one does not depend on what it costs: the first that comes.
INTERVAL_SECONDS = 0.02

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


class CpuMeter:
    """Adds up, in `seconds`, the CPU of each step of what it runs."""

    def __init__(self) -> None:
        self.seconds = 0.0

    @coroutine
    def run(self, awaitable: Awaitable[Result]) -> Generator[Any, Any, Result]:
        """Await this in its place."""
        _METER.set(self)
        steps = awaitable.__await__()
        resume: Callable[[Any], Any] = steps.send
        value: BaseException | None = None
        while True:
            started = thread_time()
            try:
                waits_for = resume(value)
            except StopIteration as finished:
                result: Result = finished.value
                return result
            finally:
                self.seconds += thread_time() - started
            try:
                yield waits_for
            except BaseException as error:  # noqa: BLE001 - a cancellation is for it to handle
                resume, value = steps.throw, error
            else:
                resume, value = steps.send, None


class Sampling:
    """Which requests are measured: the first of each interval."""

    def __init__(self) -> None:
        self._next = 0.0

    def meter(self, now: float) -> CpuMeter | None:
        if now < self._next:
            return None
        self._next = now + INTERVAL_SECONDS
        return CpuMeter()


#: The meter of the request that is being answered, where it has one.
_METER: ContextVar[CpuMeter | None] = ContextVar("meter", default=None)


async def in_thread(
    function: Callable[Parameters, Result],
    *arguments: Parameters.args,
    **options: Parameters.kwargs,
) -> Result:
    """Like `asyncio.to_thread`, with the CPU that it takes counted for the request."""
    meter = _METER.get()

    def measured() -> Result:
        started = thread_time()
        try:
            return function(*arguments, **options)
        finally:
            if meter is not None:
                meter.seconds += thread_time() - started

    return await asyncio.to_thread(measured)


async def metered(awaitable: Awaitable[Result]) -> Result:
    """Await it, in a task of its own, with its CPU counted for the request."""
    meter = _METER.get()
    return await (awaitable if meter is None else meter.run(awaitable))
