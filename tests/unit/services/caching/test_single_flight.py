"""Many callers, one load: what they share, and what one of them cannot spoil."""

import asyncio

import pytest

from services.caching.single_flight import SingleFlight
from tests.conftest import until


class Source:
    """Loads when told to go on, and counts how often it was asked."""

    def __init__(self, error: Exception | None = None) -> None:
        self.loads = 0
        self.begun = asyncio.Event()
        self.go_on = asyncio.Event()
        self._error = error

    async def load(self) -> str:
        self.loads += 1
        self.begun.set()
        await self.go_on.wait()
        if self._error is not None:
            raise self._error
        return f"value {self.loads}"


async def callers(
    flights: SingleFlight[str], source: Source, count: int
) -> list[asyncio.Task[str]]:
    """So many callers, all of them waiting for a load that has begun."""
    tasks = [asyncio.create_task(flights.run("key", source.load)) for _ in range(count)]
    await source.begun.wait()
    await asyncio.sleep(0)
    return tasks


async def test_one_load_serves_all_who_ask_meanwhile() -> None:
    flights, source = SingleFlight[str](), Source()
    waiting = await callers(flights, source, 50)
    source.go_on.set()
    assert await asyncio.gather(*waiting) == ["value 1"] * 50
    assert source.loads == 1


async def test_different_keys_are_loaded_side_by_side() -> None:
    flights, source = SingleFlight[str](), Source()
    one = asyncio.create_task(flights.run("one", source.load))
    other = asyncio.create_task(flights.run("other", source.load))
    await until(lambda: source.loads == 2)  # never, if the second waited for the first
    source.go_on.set()
    await asyncio.gather(one, other)
    assert source.loads == 2


async def test_an_error_is_everybodys() -> None:
    flights, source = SingleFlight[str](), Source(LookupError("no such post"))
    waiting = await callers(flights, source, 5)
    source.go_on.set()
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert [str(result) for result in results] == ["no such post"] * 5
    assert source.loads == 1


async def test_a_caller_that_gives_up_does_not_end_the_load_for_the_others() -> None:
    flights, source = SingleFlight[str](), Source()
    first, *others = await callers(flights, source, 3)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    source.go_on.set()
    assert await asyncio.gather(*others) == ["value 1"] * 2
    assert source.loads == 1


async def test_a_load_that_nobody_waits_for_any_more_is_still_finished() -> None:
    flights, source = SingleFlight[str](), Source()
    (only,) = await callers(flights, source, 1)
    only.cancel()
    with pytest.raises(asyncio.CancelledError):
        await only
    assert flights.is_flying("key")
    (late,) = await callers(flights, source, 1)
    source.go_on.set()
    assert await late == "value 1"


async def test_who_asks_later_gets_a_load_of_their_own() -> None:
    flights, source = SingleFlight[str](), Source()
    source.go_on.set()
    assert await flights.run("key", source.load) == "value 1"
    assert not flights.is_flying("key")
    assert await flights.run("key", source.load) == "value 2"


async def test_after_an_error_it_is_tried_again() -> None:
    flights, broken, source = SingleFlight[str](), Source(OSError()), Source()
    broken.go_on.set()
    source.go_on.set()
    with pytest.raises(OSError):  # noqa: PT011 - raised without a message, by this test
        await flights.run("key", broken.load)
    assert await flights.run("key", source.load) == "value 1"
