"""How old a reader's knowledge of the epoch may be, and how long a writer waits for it to age."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from services.caching.background import Background
from services.caching.epoch import Epoch
from tests.clock import Clock

AGE = 0.02


class Table:
    """The epoch's row."""

    def __init__(self) -> None:
        self.epoch = 7
        self.loads = 0
        self.bumps = 0
        self.go_on = asyncio.Event()
        self.go_on.set()

    async def load(self) -> int:
        self.loads += 1
        epoch = self.epoch
        await self.go_on.wait()
        return epoch

    async def bump(self) -> int:
        self.bumps += 1
        await self.go_on.wait()
        self.epoch += 1
        return self.epoch


@pytest.fixture
async def background() -> AsyncIterator[Background]:
    background = Background()
    yield background
    await background.close()


async def idle(background: Background) -> None:
    while background:  # noqa: ASYNC110 - its tasks end on this event loop
        await asyncio.sleep(0)


async def test_it_is_asked_for_when_too_old_and_behind_the_reader_before_that(
    background: Background,
) -> None:
    table, clock = Table(), Clock(100.0)
    epoch = Epoch(table.load, table.bump, AGE, 1, background, clock)
    assert await epoch.current() == 7
    table.epoch = 8
    clock.now += AGE * 0.5
    assert (await epoch.current(), table.loads) == (7, 1)
    clock.now += AGE * 0.4
    assert await epoch.current() == 7
    await idle(background)
    assert (await epoch.current(), table.loads) == (8, 2)
    table.epoch = 9
    clock.now += AGE * 1.1
    assert await epoch.current() == 9


async def test_it_ages_from_when_it_was_asked_for(background: Background) -> None:
    table, clock = Table(), Clock(100.0)
    epoch = Epoch(table.load, table.bump, AGE, 1, background, clock)
    table.go_on.clear()
    asking = asyncio.create_task(epoch.current())
    await asyncio.sleep(0.001)
    clock.now += AGE * 1.1  # the answer takes longer than it is good for
    late = asyncio.create_task(epoch.current())
    await asyncio.sleep(0)
    table.epoch = 8
    table.go_on.set()
    assert [await asking, await late] == [7, 8]  # who came before it was asked may have the old one
    assert table.loads == 2


async def test_a_writer_waits_until_no_reader_knows_the_old_one(background: Background) -> None:
    table = Table()
    reader = Epoch(table.load, table.bump, AGE, 1, background)
    writer = Epoch(table.load, table.bump, AGE, 1, background)
    for expected in range(8, 18):
        await reader.current()
        await writer.advance()
        assert await reader.current() == expected
        assert await writer.current() == expected


async def test_writers_that_come_meanwhile_share_the_next_advance(background: Background) -> None:
    table = Table()
    epoch = Epoch(table.load, table.bump, AGE, 1, background)
    table.go_on.clear()
    first = asyncio.create_task(epoch.advance())
    while not table.bumps:  # noqa: ASYNC110 - it begins on this event loop
        await asyncio.sleep(0)
    late = [asyncio.create_task(epoch.advance()) for _ in range(20)]
    await asyncio.sleep(0)
    table.go_on.set()
    await asyncio.gather(first, *late)
    assert table.bumps == 2


async def test_a_source_that_does_not_answer_is_given_up(background: Background) -> None:
    table = Table()
    table.go_on.clear()
    epoch = Epoch(table.load, table.bump, AGE, 0.01, background)
    with pytest.raises(TimeoutError):
        await epoch.current()
    with pytest.raises(TimeoutError):
        await epoch.advance()
