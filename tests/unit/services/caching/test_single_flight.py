"""Concurrent callers of a key: which callers share a load, and what a failed caller changes."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from itertools import count

import pytest

from services.caching.background import Background
from services.caching.single_flight import SingleFlight
from tests.clock import Clock
from tests.conftest import until


@dataclass
class Result:
    value: str
    as_of: float


class Source:
    """Counts loads, and ends them when `go_on` is set."""

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
    """The clock advances by a second at each reading."""
    seconds = count()
    return SingleFlight(background, lambda: float(next(seconds)))


async def start_callers(flights: Flights, source: Source, number: int) -> list[asyncio.Task[str]]:
    """Start callers, and return when the load has begun and all of them wait."""

    async def call() -> str:
        return (await flights.run("key", source.load))[0].value

    tasks = [asyncio.create_task(call()) for _ in range(number)]
    await source.begun.wait()
    await asyncio.sleep(0)
    return tasks


async def test_callers_before_as_of_share_one_load(flights: Flights) -> None:
    source = Source()
    callers = await start_callers(flights, source, 50)
    source.go_on.set()
    assert await asyncio.gather(*callers) == ["value 1"] * 50
    assert source.loads == 1


async def test_callers_after_as_of_share_the_next_load(flights: Flights) -> None:
    source, current = Source(as_of=0.5), Source()
    (first,) = await start_callers(flights, source, 1)
    late = [asyncio.create_task(flights.run("key", current.load)) for _ in range(20)]
    await asyncio.sleep(0)
    source.go_on.set()
    current.go_on.set()
    assert await first == "value 1"
    joined = [joined for _, joined in await asyncio.gather(*late)]
    assert (source.loads, current.loads) == (1, 1)
    assert joined.count(False) == 1


async def test_a_caller_at_as_of_shares_the_load(background: Background) -> None:
    clock = Clock(5.0)
    flights: Flights = SingleFlight(background, clock)
    source = Source(as_of=5.0)
    first, second = await start_callers(flights, source, 2)
    source.go_on.set()
    assert [await first, await second] == ["value 1", "value 1"]
    assert source.loads == 1


async def test_only_the_caller_that_starts_the_load_has_not_joined(flights: Flights) -> None:
    source = Source()
    callers = [asyncio.create_task(flights.run("key", source.load)) for _ in range(3)]
    await source.begun.wait()
    source.go_on.set()
    assert [joined for _, joined in await asyncio.gather(*callers)] == [False, True, True]


async def test_different_keys_load_concurrently(flights: Flights) -> None:
    source = Source()
    one = asyncio.create_task(flights.run("one", source.load))
    other = asyncio.create_task(flights.run("other", source.load))
    await until(lambda: source.loads == 2)  # times out if the second load waits for the first
    source.go_on.set()
    await asyncio.gather(one, other)
    assert source.loads == 2


async def test_all_callers_get_the_error_of_the_shared_load(flights: Flights) -> None:
    source = Source(LookupError("post 7 is missing"))
    callers = await start_callers(flights, source, 5)
    source.go_on.set()
    results = await asyncio.gather(*callers, return_exceptions=True)
    assert [str(result) for result in results] == ["post 7 is missing"] * 5
    assert source.loads == 1


async def test_a_cancelled_caller_does_not_cancel_the_load(flights: Flights) -> None:
    source = Source()
    first, *others = await start_callers(flights, source, 3)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    source.go_on.set()
    assert await asyncio.gather(*others) == ["value 1"] * 2
    assert source.loads == 1


async def test_a_load_continues_after_its_only_caller_is_cancelled(flights: Flights) -> None:
    source = Source()
    (only,) = await start_callers(flights, source, 1)
    only.cancel()
    with pytest.raises(asyncio.CancelledError):
        await only
    assert flights.is_loading("key")
    (late,) = await start_callers(flights, source, 1)
    source.go_on.set()
    assert await late == "value 1"


async def test_a_caller_after_a_finished_load_starts_a_new_load(flights: Flights) -> None:
    source = Source()
    source.go_on.set()
    assert (await flights.run("key", source.load))[0].value == "value 1"
    assert not flights.is_loading("key")
    assert (await flights.run("key", source.load))[0].value == "value 2"


async def test_a_caller_after_a_failed_load_starts_a_new_load(flights: Flights) -> None:
    broken, source = Source(OSError()), Source()
    broken.go_on.set()
    source.go_on.set()
    with pytest.raises(OSError):  # noqa: PT011 - raised without a message, by this test
        await flights.run("key", broken.load)
    assert (await flights.run("key", source.load))[0].value == "value 1"


async def test_closing_the_background_ends_all_loads(
    flights: Flights, background: Background
) -> None:
    (caller,) = await start_callers(flights, Source(), 1)
    await background.close()
    await asyncio.wait([caller])
    assert caller.cancelled()
    assert not background
    assert not flights.is_loading("key")
