"""Keys requested together are loaded in one batch, once each, and each caller gets its values."""

import asyncio
import gc
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.avoiding_n_plus_one.batch_loader import BatchLoader, MissingKey

NumberLoader = BatchLoader[int, str]
#: A maximum batch that no test reaches.
LARGE_BATCH = 100


class Source:
    """Loads numbers as text and records each batch. Negative numbers do not exist.

    Loading waits until `gate` is open. It raises `failing` if that is set.
    """

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.failing: BaseException | None = None
        self.running = self.most_running = 0

    async def load(self, keys: Sequence[int]) -> Mapping[int, str]:
        self.batches.append(list(keys))
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        try:
            await self.gate.wait()
            if self.failing is not None:
                raise self.failing
            return {key: str(key) for key in reversed(keys) if key >= 0}
        finally:
            self.running -= 1


@pytest.fixture
def source() -> Source:
    return Source()


async def pass_control(times: int) -> None:
    """Lets the event loop run other tasks this many times."""
    for _ in range(times):
        await asyncio.sleep(0)


async def test_calls_in_the_same_iteration_share_a_batch(source: Source) -> None:
    async with NumberLoader(source.load, LARGE_BATCH) as loader:
        assert await asyncio.gather(*map(loader.load, (3, 1, 2))) == ["3", "1", "2"]
    assert source.batches == [[3, 1, 2]]


async def test_a_key_is_loaded_once_for_many_calls(source: Source) -> None:
    async with NumberLoader(source.load, LARGE_BATCH) as loader:
        assert await asyncio.gather(*map(loader.load, (1, 2, 1))) == ["1", "2", "1"]
        assert await loader.load(2) == "2"
        assert await loader.load_many([1, 1]) == ["1", "1"]
    assert source.batches == [[1, 2]]


async def test_a_new_loader_loads_every_key_again(source: Source) -> None:
    for _ in range(2):
        async with NumberLoader(source.load, LARGE_BATCH) as loader:
            await loader.load(1)
    assert source.batches == [[1], [1]]


async def test_batches_have_a_maximum_size_and_are_loaded_one_after_another(
    source: Source,
) -> None:
    async with NumberLoader(source.load, maximum_batch=2) as loader:
        assert await loader.load_many(range(5)) == list("01234")
    assert source.batches == [[0, 1], [2, 3], [4]]
    assert source.most_running == 1


async def test_keys_requested_during_a_batch_form_the_next(source: Source) -> None:
    source.gate.clear()
    async with NumberLoader(source.load, LARGE_BATCH) as loader:
        first = asyncio.create_task(loader.load(1))
        await pass_control(3)
        later = [asyncio.create_task(loader.load(key)) for key in (2, 1, 3)]
        await pass_control(3)
        source.gate.set()
        assert await asyncio.gather(first, *later) == ["1", "2", "1", "3"]
    assert source.batches == [[1], [2, 3]]
    assert source.most_running == 1


async def test_tasks_resumed_by_one_batch_share_the_next(source: Source) -> None:
    async with (
        NumberLoader(source.load, LARGE_BATCH) as first,
        NumberLoader(source.load, LARGE_BATCH) as second,
    ):

        async def follow(key: int) -> str:
            return await second.load(int(await first.load(key)) + 10)

        assert await asyncio.gather(*map(follow, range(3))) == ["10", "11", "12"]
    assert source.batches == [[0, 1, 2], [10, 11, 12]]


@given(
    st.lists(st.lists(st.integers(-2, 6), max_size=6), max_size=5),
    st.integers(min_value=1, max_value=4),
)
def test_each_caller_gets_its_values_in_order(
    requests: list[list[int]], maximum_batch: int
) -> None:
    async def run() -> None:
        source = Source()
        async with NumberLoader(source.load, maximum_batch) as loader:
            loading = [asyncio.gather(*map(loader.load_or_none, keys)) for keys in requests]
            values = await asyncio.gather(*loading)
        assert values == [[str(key) if key >= 0 else None for key in keys] for keys in requests]
        loaded = [key for batch in source.batches for key in batch]
        assert len(loaded) == len(set(loaded))
        assert set(loaded) == {key for keys in requests for key in keys}
        assert all(0 < len(batch) <= maximum_batch for batch in source.batches)

    asyncio.run(run())


async def test_a_missing_key_raises_or_is_none(source: Source) -> None:
    async with NumberLoader(source.load, LARGE_BATCH) as loader:
        with pytest.raises(MissingKey, match="-1"):
            await loader.load(-1)
        assert await loader.load_or_none(-1) is None
        with pytest.raises(MissingKey):
            await loader.load_many([1, -1])
        assert await loader.load(1) == "1"
    assert source.batches == [[-1], [1]]


async def test_an_error_reaches_every_waiting_caller_and_the_next_call_tries_again(
    source: Source,
) -> None:
    async with NumberLoader(source.load, LARGE_BATCH) as loader:
        source.failing = ConnectionError("gone")
        failed = await asyncio.gather(*map(loader.load, (1, 2)), return_exceptions=True)
        assert failed == [source.failing] * 2
        source.failing = None
        assert await loader.load_many([1, 3]) == ["1", "3"]


async def test_the_batch_after_a_failed_batch_is_loaded() -> None:
    async def load(keys: Sequence[int]) -> Mapping[int, str]:
        if 1 in keys:
            raise ConnectionError
        return {key: str(key) for key in keys}

    async with NumberLoader(load, maximum_batch=1) as loader:
        first, second = await asyncio.gather(loader.load(1), loader.load(2), return_exceptions=True)
    assert isinstance(first, ConnectionError)
    assert second == "2"


async def test_a_cancelled_caller_leaves_the_value_to_the_others(source: Source) -> None:
    source.gate.clear()
    async with NumberLoader(source.load, LARGE_BATCH) as loader:
        cancelled, other = (asyncio.create_task(loader.load(1)) for _ in range(2))
        await pass_control(3)
        cancelled.cancel()
        await pass_control(3)
        source.gate.set()
        assert await other == "1"
    assert cancelled.cancelled()


async def test_leaving_the_block_ends_the_running_batch(
    source: Source,
) -> None:
    source.gate.clear()
    async with NumberLoader(source.load, LARGE_BATCH) as loader:
        caller = asyncio.create_task(loader.load(1))
        await pass_control(3)
        assert source.running == 1
    assert source.running == 0
    with pytest.raises(asyncio.CancelledError):
        await caller


async def test_leaving_before_the_batch_starts_loads_nothing(source: Source) -> None:
    async with NumberLoader(source.load, LARGE_BATCH) as loader:
        caller = asyncio.create_task(loader.load(1))
        await pass_control(1)
    with pytest.raises(asyncio.CancelledError):
        await caller
    assert source.batches == []


async def test_a_cancellation_raised_by_the_driver_cancels_every_caller(
    source: Source,
) -> None:
    source.failing = asyncio.CancelledError()
    async with NumberLoader(source.load, maximum_batch=1) as loader:
        callers = [asyncio.create_task(loader.load(key)) for key in (1, 2)]
        done, pending = await asyncio.wait(callers, timeout=5)
        assert not pending
        assert all(task.cancelled() for task in done)
        source.failing = None
        assert await loader.load(1) == "1"


async def test_a_loader_loads_only_inside_its_block(source: Source) -> None:
    loader = NumberLoader(source.load, LARGE_BATCH)
    with pytest.raises(RuntimeError, match="only inside its `async with` block"):
        await loader.load(1)
    async with loader:
        assert await loader.load(1) == "1"
    with pytest.raises(RuntimeError, match="only inside its `async with` block"):
        await loader.load(1)


async def test_asyncio_logs_no_error_whose_callers_were_cancelled(source: Source) -> None:
    reports: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reports.append(context))
    source.gate.clear()
    source.failing = ConnectionError("gone")
    async with NumberLoader(source.load, LARGE_BATCH) as loader:
        caller = asyncio.create_task(loader.load(1))
        await pass_control(3)
        caller.cancel()
        await pass_control(1)
        source.gate.set()
        await pass_control(3)
    del loader, caller
    gc.collect()
    assert reports == []


def test_a_maximum_batch_below_one_is_refused() -> None:
    async def load(keys: Sequence[int]) -> Mapping[int, str]:
        return {}

    with pytest.raises(ValueError, match="at least one"):
        NumberLoader(load, maximum_batch=0)
