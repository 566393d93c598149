"""What is asked for at the same time is loaded together, once, and each asker gets their own."""

import asyncio
import gc
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.avoiding_n_plus_one.loader import Loader, MissingKey

Numbers = Loader[int, str]
#: Keys in a batch, where it is not what a test is about.
ENOUGH = 100


class Source:
    """Numbers as text; negative ones do not exist. Remembers each batch, and how many overlapped.

    Loading waits until `gate` is open, and fails while `failing` is set.
    """

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.failing: BaseException | None = None
        self.now = self.most = 0

    async def load(self, keys: Sequence[int]) -> Mapping[int, str]:
        self.batches.append(list(keys))
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            await self.gate.wait()
            if self.failing is not None:
                raise self.failing
            return {key: str(key) for key in reversed(keys) if key >= 0}
        finally:
            self.now -= 1


@pytest.fixture
def source() -> Source:
    return Source()


async def ticks(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_who_asks_in_the_same_tick_shares_a_batch(source: Source) -> None:
    async with Numbers(source.load, ENOUGH) as loader:
        assert await asyncio.gather(*map(loader.load, (3, 1, 2))) == ["3", "1", "2"]
    assert source.batches == [[3, 1, 2]]


async def test_a_key_is_loaded_once_however_often_it_is_asked_for(source: Source) -> None:
    async with Numbers(source.load, ENOUGH) as loader:
        assert await asyncio.gather(*map(loader.load, (1, 2, 1))) == ["1", "2", "1"]
        assert await loader.load(2) == "2"
        assert await loader.load_many([1, 1]) == ["1", "1"]
    assert source.batches == [[1, 2]]


async def test_the_next_request_has_a_loader_that_knows_nothing(source: Source) -> None:
    for _ in range(2):
        async with Numbers(source.load, ENOUGH) as loader:
            await loader.load(1)
    assert source.batches == [[1], [1]]


async def test_a_batch_holds_no_more_than_it_may_and_one_is_loaded_at_a_time(
    source: Source,
) -> None:
    async with Numbers(source.load, maximum_batch=2) as loader:
        assert await loader.load_many(range(5)) == list("01234")
    assert source.batches == [[0, 1], [2, 3], [4]]
    assert source.most == 1


async def test_keys_asked_for_while_a_batch_is_on_its_way_make_up_the_next(source: Source) -> None:
    source.gate.clear()
    async with Numbers(source.load, ENOUGH) as loader:
        first = asyncio.create_task(loader.load(1))
        await ticks(3)
        later = [asyncio.create_task(loader.load(key)) for key in (2, 1, 3)]
        await ticks(3)
        source.gate.set()
        assert await asyncio.gather(first, *later) == ["1", "2", "1", "3"]
    assert source.batches == [[1], [2, 3]]
    assert source.most == 1


async def test_tasks_that_went_on_from_one_batch_share_the_next(source: Source) -> None:
    async with Numbers(source.load, ENOUGH) as first, Numbers(source.load, ENOUGH) as second:

        async def follow(key: int) -> str:
            return await second.load(int(await first.load(key)) + 10)

        assert await asyncio.gather(*map(follow, range(3))) == ["10", "11", "12"]
    assert source.batches == [[0, 1, 2], [10, 11, 12]]


@given(
    st.lists(st.lists(st.integers(-2, 6), max_size=6), max_size=5),
    st.integers(min_value=1, max_value=4),
)
def test_whoever_asks_gets_their_own_in_their_order(
    requests: list[list[int]], maximum_batch: int
) -> None:
    async def run() -> None:
        source = Source()
        async with Numbers(source.load, maximum_batch) as loader:
            wanted = [asyncio.gather(*map(loader.load_or_none, keys)) for keys in requests]
            found = await asyncio.gather(*wanted)
        assert found == [[str(key) if key >= 0 else None for key in keys] for keys in requests]
        loaded = [key for batch in source.batches for key in batch]
        assert len(loaded) == len(set(loaded))
        assert set(loaded) == {key for keys in requests for key in keys}
        assert all(0 < len(batch) <= maximum_batch for batch in source.batches)

    asyncio.run(run())


async def test_a_missing_key_is_an_error_or_none_as_the_asker_wants(source: Source) -> None:
    async with Numbers(source.load, ENOUGH) as loader:
        with pytest.raises(MissingKey, match="-1"):
            await loader.load(-1)
        assert await loader.load_or_none(-1) is None
        with pytest.raises(MissingKey):
            await loader.load_many([1, -1])
        assert await loader.load(1) == "1"
    assert source.batches == [[-1], [1]]


async def test_a_failure_goes_to_those_who_asked_and_is_not_kept(source: Source) -> None:
    async with Numbers(source.load, ENOUGH) as loader:
        source.failing = ConnectionError("gone")
        failed = await asyncio.gather(*map(loader.load, (1, 2)), return_exceptions=True)
        assert failed == [source.failing] * 2
        source.failing = None
        assert await loader.load_many([1, 3]) == ["1", "3"]


async def test_a_failing_batch_does_not_take_the_next_one_with_it() -> None:
    async def load(keys: Sequence[int]) -> Mapping[int, str]:
        if 1 in keys:
            raise ConnectionError
        return {key: str(key) for key in keys}

    async with Numbers(load, maximum_batch=1) as loader:
        first, second = await asyncio.gather(loader.load(1), loader.load(2), return_exceptions=True)
    assert isinstance(first, ConnectionError)
    assert second == "2"


async def test_one_who_gives_up_leaves_the_answer_to_the_others(source: Source) -> None:
    source.gate.clear()
    async with Numbers(source.load, ENOUGH) as loader:
        impatient, patient = (asyncio.create_task(loader.load(1)) for _ in range(2))
        await ticks(3)
        impatient.cancel()
        await ticks(3)
        source.gate.set()
        assert await patient == "1"
    assert impatient.cancelled()


async def test_leaving_ends_the_batch_before_its_connection_goes_to_somebody_else(
    source: Source,
) -> None:
    source.gate.clear()
    async with Numbers(source.load, ENOUGH) as loader:
        asking = asyncio.create_task(loader.load(1))
        await ticks(3)
        assert source.now == 1
    assert source.now == 0
    with pytest.raises(asyncio.CancelledError):
        await asking


async def test_leaving_before_the_tick_is_over_loads_nothing(source: Source) -> None:
    async with Numbers(source.load, ENOUGH) as loader:
        asking = asyncio.create_task(loader.load(1))
        await ticks(1)
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert source.batches == []


async def test_a_cancellation_that_the_driver_made_up_leaves_nobody_waiting(
    source: Source,
) -> None:
    source.failing = asyncio.CancelledError()
    async with Numbers(source.load, maximum_batch=1) as loader:
        asking = [asyncio.create_task(loader.load(key)) for key in (1, 2)]
        done, pending = await asyncio.wait(asking, timeout=5)
        assert not pending
        assert all(task.cancelled() for task in done)
        source.failing = None
        assert await loader.load(1) == "1"


async def test_a_loader_can_be_asked_only_during_its_request(source: Source) -> None:
    loader = Numbers(source.load, ENOUGH)
    with pytest.raises(RuntimeError, match="enter it first"):
        await loader.load(1)
    async with loader:
        assert await loader.load(1) == "1"
    with pytest.raises(RuntimeError, match="enter it first"):
        await loader.load(1)


async def test_nobody_complains_of_a_failure_that_nobody_waits_for(source: Source) -> None:
    complaints: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    source.gate.clear()
    source.failing = ConnectionError("gone")
    async with Numbers(source.load, ENOUGH) as loader:
        asking = asyncio.create_task(loader.load(1))
        await ticks(3)
        asking.cancel()
        await ticks(1)
        source.gate.set()
        await ticks(3)
    del loader, asking
    gc.collect()
    assert complaints == []


def test_a_batch_of_no_keys_is_refused() -> None:
    async def load(keys: Sequence[int]) -> Mapping[int, str]:
        return {}

    with pytest.raises(ValueError, match="at least one"):
        Numbers(load, maximum_batch=0)
