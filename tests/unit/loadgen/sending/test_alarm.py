"""Alarms ring when they are meant to: never early, once for each setting."""

import asyncio
from collections.abc import Callable
from time import perf_counter

import pytest
import uvloop

from loadgen.sending.alarm import Alarm, LoopTimer, TimerFile, create_alarm
from tests.conftest import until

Kind = Callable[[Callable[[], None]], Alarm]
KINDS = [TimerFile, LoopTimer, create_alarm]


class Rings:
    """When it rang."""

    def __init__(self, kind: Kind) -> None:
        self.instants: list[float] = []
        self.alarm = kind(lambda: self.instants.append(perf_counter()))


@pytest.mark.parametrize("kind", KINDS)
async def test_an_alarm_rings_once_and_never_early(kind: Kind) -> None:
    rings = Rings(kind)
    try:
        for _ in range(20):
            before = len(rings.instants)
            intended = perf_counter() + 0.0017
            rings.alarm.set(intended)
            await until(lambda before=before: len(rings.instants) > before)  # type: ignore[misc]
            assert rings.instants[-1] >= intended
            assert len(rings.instants) == before + 1
    finally:
        rings.alarm.close()


@pytest.mark.parametrize("kind", KINDS)
def test_an_alarm_never_rings_early_under_uvloop(kind: Kind) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(test_an_alarm_rings_once_and_never_early(kind))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("ago", [0.0, 1.0, 1e9])
async def test_an_instant_that_has_passed_rings_at_once(kind: Kind, ago: float) -> None:
    rings = Rings(kind)
    rings.alarm.set(perf_counter() - ago)
    await until(lambda: len(rings.instants) == 1)
    rings.alarm.close()


@pytest.mark.parametrize("kind", KINDS)
async def test_the_last_setting_holds(kind: Kind) -> None:
    rings = Rings(kind)
    intended = perf_counter() + 0.03
    rings.alarm.set(perf_counter() + 0.01)
    rings.alarm.set(intended)
    await until(lambda: bool(rings.instants))
    assert rings.instants[0] >= intended
    rings.alarm.close()


@pytest.mark.parametrize("kind", KINDS)
async def test_who_rings_may_set_the_next(kind: Kind) -> None:
    instants: list[float] = []

    def ring() -> None:
        instants.append(perf_counter())
        if len(instants) < 5:
            alarm.set(perf_counter())

    alarm = kind(ring)
    alarm.set(perf_counter())
    await until(lambda: len(instants) == 5)
    alarm.close()


@pytest.mark.parametrize("kind", KINDS)
async def test_a_closed_alarm_does_not_ring(kind: Kind) -> None:
    closed, open_ = Rings(kind), Rings(kind)
    instant = perf_counter() + 0.01
    closed.alarm.set(instant)
    open_.alarm.set(instant)
    closed.alarm.close()
    await until(lambda: bool(open_.instants))
    open_.alarm.close()
    assert closed.instants == []
