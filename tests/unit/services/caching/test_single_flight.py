"""Many callers, one load: what they share, what they must not, what one of them cannot spoil."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from itertools import count

import pytest

from services.caching.background import Background
from services.caching.single_flight import SingleFlight
from tests.conftest import until


@dataclass
class Result:
    value: str
    as_of: float


class Source:
    """Loads when told to go on, and counts how often it was asked."""

    def __init__(self, error: Exception | None = None, as_of: float = 1e9) -> None:
        self.loads = 0
        self.begun = asyncio.Event()
        self.go_on = asyncio.Event()
        self._error = error
        self._as_of = as_of

    async def load(self) -> Result:
        self.loads += 1
        load = self.loads
        self.begun.set()
        await self.go_on.wait()
        if self._error is not None:
            raise self._error
        return Result(f"value {load}", self._as_of)


Flights = SingleFlight[Result]


@pytest.fixture
async def background() -> AsyncIterator[Background]:
    background = Background()
    yield background
    await background.close()


@pytest.fixture
def flights(background: Background) -> Flights:
    """At each look at the clock a second has passed."""
    seconds = count()
    return SingleFlight(background, lambda: float(next(seconds)))


async def callers(flights: Flights, source: Source, number: int) -> list[asyncio.Task[str]]:
    """So many callers, all of them waiting for a load that has begun."""

    async def call() -> str:
        return (await flights.run("key", source.load))[0].value

    tasks = [asyncio.create_task(call()) for _ in range(number)]
    await source.begun.wait()
    await asyncio.sleep(0)
    return tasks


async def test_one_load_serves_all_who_may_share_it(flights: Flights) -> None:
    source = Source()
    waiting = await callers(flights, source, 50)
    source.go_on.set()
    assert await asyncio.gather(*waiting) == ["value 1"] * 50
    assert source.loads == 1


async def test_those_for_whom_it_is_too_old_share_the_next(flights: Flights) -> None:
    source, fresh = Source(as_of=0.5), Source()
    (first,) = await callers(flights, source, 1)
    late = [asyncio.create_task(flights.run("key", fresh.load)) for _ in range(20)]
    await asyncio.sleep(0)
    source.go_on.set()
    fresh.go_on.set()
    assert await first == "value 1"
    joined = [joined for _, joined in await asyncio.gather(*late)]
    assert (source.loads, fresh.loads) == (1, 1)
    assert joined.count(False) == 1


async def test_different_keys_are_loaded_side_by_side(flights: Flights) -> None:
    source = Source()
    one = asyncio.create_task(flights.run("one", source.load))
    other = asyncio.create_task(flights.run("other", source.load))
    await until(lambda: source.loads == 2)  # never, if the second waited for the first
    source.go_on.set()
    await asyncio.gather(one, other)
    assert source.loads == 2


async def test_an_error_is_everybodys(flights: Flights) -> None:
    source = Source(LookupError("no such post"))
    waiting = await callers(flights, source, 5)
    source.go_on.set()
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert [str(result) for result in results] == ["no such post"] * 5
    assert source.loads == 1


async def test_a_caller_that_gives_up_does_not_end_the_load_for_the_others(
    flights: Flights,
) -> None:
    source = Source()
    first, *others = await callers(flights, source, 3)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    source.go_on.set()
    assert await asyncio.gather(*others) == ["value 1"] * 2
    assert source.loads == 1


async def test_a_load_that_nobody_waits_for_any_more_is_still_finished(flights: Flights) -> None:
    source = Source()
    (only,) = await callers(flights, source, 1)
    only.cancel()
    with pytest.raises(asyncio.CancelledError):
        await only
    assert flights.is_flying("key")
    (late,) = await callers(flights, source, 1)
    source.go_on.set()
    assert await late == "value 1"


async def test_who_asks_later_gets_a_load_of_their_own(flights: Flights) -> None:
    source = Source()
    source.go_on.set()
    assert (await flights.run("key", source.load))[0].value == "value 1"
    assert not flights.is_flying("key")
    assert (await flights.run("key", source.load))[0].value == "value 2"


async def test_after_an_error_it_is_tried_again(flights: Flights) -> None:
    broken, source = Source(OSError()), Source()
    broken.go_on.set()
    source.go_on.set()
    with pytest.raises(OSError):  # noqa: PT011 - raised without a message, by this test
        await flights.run("key", broken.load)
    assert (await flights.run("key", source.load))[0].value == "value 1"


async def test_nothing_flies_once_the_background_is_closed(
    flights: Flights, background: Background
) -> None:
    (waiting,) = await callers(flights, Source(), 1)
    await background.close()
    await asyncio.wait([waiting])
    assert waiting.cancelled()
    assert not background
    assert not flights.is_flying("key")


async def test_a_task_that_swallows_a_cancellation_is_ended_all_the_same() -> None:
    background = Background()
    swallowed = []

    async def stubborn() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            swallowed.append(True)
        await asyncio.Event().wait()

    background.start(stubborn())
    await asyncio.sleep(0)
    await background.close()
    assert swallowed == [True]
    assert not background
