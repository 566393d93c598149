"""The epoch: the maximum age of a reading, and how long a writer waits."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from services.caching.background import Background
from services.caching.epoch import Epoch
from tests.clock import Clock

#: A power of two, so that sums of the clock's times are exact.
AGE = 0.125


class Table:
    """The row of the epoch. Its answers can be held back."""

    def __init__(self) -> None:
        self.epoch = 7
        self.loads = 0
        self.bumps = 0
        self.answer_loads = asyncio.Event()
        self.answer_loads.set()
        self.answer_bumps = asyncio.Event()
        self.answer_bumps.set()

    async def load(self) -> int:
        self.loads += 1
        epoch = self.epoch
        await self.answer_loads.wait()
        return epoch

    async def bump(self) -> int:
        self.bumps += 1
        await self.answer_bumps.wait()
        self.epoch += 1
        return self.epoch


@pytest.fixture
async def background() -> AsyncIterator[Background]:
    background = Background()
    yield background
    await background.close()


@pytest.fixture
def clock() -> Clock:
    return Clock(100.0)


def epoch_of(
    table: Table, background: Background, clock: Clock, timeout_seconds: float = 1
) -> Epoch:
    return Epoch(table.load, table.bump, AGE, timeout_seconds, background, clock)


async def finish(background: Background) -> None:
    while background:  # noqa: ASYNC110 - its tasks end on this event loop
        await asyncio.sleep(0)


async def let_tasks_run() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_young_reading_is_used_without_a_new_read(
    background: Background, clock: Clock
) -> None:
    table = Table()
    epoch = epoch_of(table, background, clock)
    assert await epoch.current() == 7
    table.epoch = 8
    clock.now += AGE * 0.75
    assert await epoch.current() == 7
    await finish(background)
    assert table.loads == 1


async def test_an_ageing_reading_is_used_while_one_background_read_runs(
    background: Background, clock: Clock
) -> None:
    table = Table()
    epoch = epoch_of(table, background, clock)
    await epoch.current()
    table.epoch = 8
    table.answer_loads.clear()
    clock.now += AGE * 0.875
    for _ in range(3):
        assert await epoch.current() == 7
        await let_tasks_run()
    table.answer_loads.set()
    await finish(background)
    assert (await epoch.current(), table.loads) == (8, 2)


async def test_a_reading_of_exactly_the_maximum_age_is_still_used(
    background: Background, clock: Clock
) -> None:
    table = Table()
    epoch = epoch_of(table, background, clock)
    await epoch.current()
    table.epoch = 8
    clock.now += AGE
    assert await epoch.current() == 7


async def test_a_reading_above_the_maximum_age_is_replaced(
    background: Background, clock: Clock
) -> None:
    table = Table()
    epoch = epoch_of(table, background, clock)
    await epoch.current()
    table.epoch = 8
    clock.now += AGE * 1.125
    assert await epoch.current() == 8


async def test_a_slow_reading_serves_callers_up_to_the_maximum_age_after_its_query(
    background: Background, clock: Clock
) -> None:
    table = Table()
    epoch = epoch_of(table, background, clock)
    table.answer_loads.clear()
    callers = [asyncio.create_task(epoch.current())]
    await let_tasks_run()
    clock.now += AGE  # at the maximum age
    callers.append(asyncio.create_task(epoch.current()))
    await let_tasks_run()
    table.epoch = 8
    table.answer_loads.set()
    assert await asyncio.gather(*callers) == [7, 7]
    assert table.loads == 1


async def test_a_caller_after_the_maximum_age_waits_for_the_next_reading(
    background: Background, clock: Clock
) -> None:
    table = Table()
    epoch = epoch_of(table, background, clock)
    table.answer_loads.clear()
    early = asyncio.create_task(epoch.current())
    await let_tasks_run()
    clock.now += AGE * 1.125
    late = asyncio.create_task(epoch.current())
    await let_tasks_run()
    table.epoch = 8
    table.answer_loads.set()
    assert [await early, await late] == [7, 8]
    assert table.loads == 2


async def test_a_reading_ages_from_its_query(background: Background, clock: Clock) -> None:
    table = Table()
    epoch = epoch_of(table, background, clock)
    table.answer_loads.clear()
    early = asyncio.create_task(epoch.current())
    await let_tasks_run()
    clock.now += AGE * 0.5
    table.answer_loads.set()
    assert await early == 7
    table.epoch = 8
    clock.now += AGE * 0.625
    assert await epoch.current() == 8


async def test_a_late_answer_to_an_earlier_query_does_not_replace_a_later_reading(
    background: Background, clock: Clock
) -> None:
    table = Table()
    epoch = epoch_of(table, background, clock)
    table.answer_loads.clear()
    reading = asyncio.create_task(epoch.current())
    await let_tasks_run()
    clock.now += AGE * 0.5
    advancing = asyncio.create_task(epoch.advance())
    await let_tasks_run()
    table.answer_loads.set()
    assert await reading == 8
    advancing.cancel()


async def test_a_reader_accepts_no_old_epoch_after_a_writer_has_advanced(
    background: Background,
) -> None:
    table = Table()
    reader = Epoch(table.load, table.bump, 0.02, 1, background)
    writer = Epoch(table.load, table.bump, 0.02, 1, background)
    for expected in range(8, 13):
        await reader.current()
        await writer.advance()
        assert await reader.current() == expected
        assert await writer.current() == expected


async def test_a_writer_waits_for_exactly_the_maximum_age(
    background: Background, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses = []
    sleep = asyncio.sleep

    async def pass_time(seconds: float) -> None:
        pauses.append(seconds)
        assert len(pauses) < 5
        clock.now += min(seconds, AGE * 0.75)  # the first timer fires early
        await sleep(0)

    monkeypatch.setattr("services.caching.epoch.asyncio.sleep", pass_time)
    await epoch_of(Table(), background, clock).advance()
    assert pauses == [AGE, AGE * 0.25]


async def test_writers_that_arrive_during_a_bump_share_the_next_bump(
    background: Background,
) -> None:
    table = Table()
    epoch = Epoch(table.load, table.bump, 0.001, 1, background)
    table.answer_bumps.clear()
    first = asyncio.create_task(epoch.advance())
    while not table.bumps:  # noqa: ASYNC110 - the bump begins on this event loop
        await asyncio.sleep(0)
    late = [asyncio.create_task(epoch.advance()) for _ in range(20)]
    await asyncio.sleep(0)
    table.answer_bumps.set()
    await asyncio.gather(first, *late)
    assert table.bumps == 2


async def test_a_source_that_does_not_answer_raises_timeout_error(
    background: Background, clock: Clock
) -> None:
    table = Table()
    table.answer_loads.clear()
    table.answer_bumps.clear()
    epoch = epoch_of(table, background, clock, timeout_seconds=0.01)
    with pytest.raises(TimeoutError):
        await epoch.current()
    with pytest.raises(TimeoutError):
        await epoch.advance()
