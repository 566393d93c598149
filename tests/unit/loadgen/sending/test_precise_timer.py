"""Timers: they never fire early, and fire once for each schedule."""

import asyncio
from collections.abc import Callable
from time import perf_counter

import pytest
import uvloop

from loadgen.sending.precise_timer import (
    EventLoopTimer,
    PreciseTimer,
    TimerfdTimer,
    create_timer,
)
from tests.conftest import until

TimerType = Callable[[Callable[[], None]], PreciseTimer]
TIMER_TYPES = [TimerfdTimer, EventLoopTimer, create_timer]
EACH_TYPE = pytest.mark.parametrize("timer_type", TIMER_TYPES)


class Firings:
    """The instants at which a timer fired."""

    def __init__(self, timer_type: TimerType) -> None:
        self.instants: list[float] = []
        self.timer = timer_type(lambda: self.instants.append(perf_counter()))


@EACH_TYPE
async def test_a_timer_fires_once_and_never_early(timer_type: TimerType) -> None:
    firings = Firings(timer_type)
    try:
        for _ in range(20):
            before = len(firings.instants)
            intended = perf_counter() + 0.0017
            firings.timer.schedule(intended)
            await until(lambda before=before: len(firings.instants) > before)  # type: ignore[misc]
            assert firings.instants[-1] >= intended
            assert len(firings.instants) == before + 1
    finally:
        firings.timer.close()


@EACH_TYPE
def test_a_timer_never_fires_early_under_uvloop(timer_type: TimerType) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(test_a_timer_fires_once_and_never_early(timer_type))


@EACH_TYPE
@pytest.mark.parametrize("seconds_ago", [0.0, 1.0, 1e9])
async def test_a_past_instant_fires_at_once(timer_type: TimerType, seconds_ago: float) -> None:
    firings = Firings(timer_type)
    firings.timer.schedule(perf_counter() - seconds_ago)
    await until(lambda: len(firings.instants) == 1)
    firings.timer.close()


@EACH_TYPE
async def test_the_last_schedule_replaces_the_earlier_ones(timer_type: TimerType) -> None:
    firings = Firings(timer_type)
    intended = perf_counter() + 0.03
    firings.timer.schedule(perf_counter() + 0.01)
    firings.timer.schedule(intended)
    await until(lambda: bool(firings.instants))
    assert firings.instants[0] >= intended
    firings.timer.close()


@EACH_TYPE
async def test_a_callback_may_schedule_the_next_firing(timer_type: TimerType) -> None:
    instants: list[float] = []

    def callback() -> None:
        instants.append(perf_counter())
        if len(instants) < 5:
            timer.schedule(perf_counter())

    timer = timer_type(callback)
    timer.schedule(perf_counter())
    await until(lambda: len(instants) == 5)
    timer.close()


@EACH_TYPE
async def test_a_closed_timer_does_not_fire(timer_type: TimerType) -> None:
    closed, open_ = Firings(timer_type), Firings(timer_type)
    instant = perf_counter() + 0.01
    closed.timer.schedule(instant)
    open_.timer.schedule(instant)
    closed.timer.close()
    await until(lambda: bool(open_.instants))
    open_.timer.close()
    assert closed.instants == []
