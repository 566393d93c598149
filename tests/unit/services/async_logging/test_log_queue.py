"""The queue between those who log and the one who writes, over sinks that do as they are told."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

import pytest

from services.async_logging.log_queue import BATCH_RECORDS, LogQueue, Sink
from services.async_logging.record import Record
from tests.conftest import until

QueueOver = Callable[..., LogQueue]


class MemorySink:
    """Keeps what it is given."""

    def __init__(self) -> None:
        self.batches: list[list[Record]] = []
        self.closed = False

    @property
    def records(self) -> list[Record]:
        return [record for batch in self.batches for record in batch]

    async def write(self, batch: Sequence[Record]) -> None:
        await asyncio.sleep(0)
        self.batches.append(list(batch))

    async def close(self) -> None:
        self.closed = True


class FullDisk(MemorySink):
    """Refuses the first batch."""

    def __init__(self) -> None:
        super().__init__()
        self._refused = False

    async def write(self, batch: Sequence[Record]) -> None:
        if not self._refused:
            self._refused = True
            raise OSError(28, "No space left on device")
        await super().write(batch)


class HangingSink(MemorySink):
    """Takes a batch and never comes back with it."""

    def __init__(self) -> None:
        super().__init__()
        self.begun = asyncio.Event()

    async def write(self, batch: Sequence[Record]) -> None:
        self.begun.set()
        await asyncio.Event().wait()

    async def close(self) -> None:
        await asyncio.Event().wait()


class Counts:
    """An observer that adds up."""

    def __init__(self) -> None:
        self.of = dict.fromkeys(("accepted", "written", "dropped", "failed"), 0)

    def accepted(self, count: int) -> None:
        self.of["accepted"] += count

    def written(self, count: int) -> None:
        self.of["written"] += count

    def dropped(self, count: int) -> None:
        self.of["dropped"] += count

    def failed(self, count: int) -> None:
        self.of["failed"] += count


@pytest.fixture
def counts() -> Counts:
    return Counts()


@pytest.fixture
async def queue_over(counts: Counts) -> AsyncIterator[QueueOver]:
    """Start queues, and end their writers with the test."""
    queues: list[LogQueue] = []

    def start(sink: Sink, size: int = 10_000) -> LogQueue:
        queue = LogQueue(sink, counts, size)
        queue.start()
        queues.append(queue)
        return queue

    yield start
    for queue in queues:
        await queue.close(deadline=0.01)


def numbered(count: int) -> list[Record]:
    return [{"number": number} for number in range(count)]


async def until_written(counts: Counts, count: int) -> None:
    """Returns once that many records are settled, one way or the other."""
    await until(lambda: counts.of["written"] + counts.of["failed"] >= count)


async def test_what_is_accepted_is_written_in_order(queue_over: QueueOver, counts: Counts) -> None:
    sink = MemorySink()
    queue = queue_over(sink)
    assert all(queue.offer(record) for record in numbered(3_000))
    assert await queue.close(deadline=10) == 0
    assert sink.records == numbered(3_000)
    assert counts.of == {"accepted": 3_000, "written": 3_000, "dropped": 0, "failed": 0}


async def test_records_are_written_before_the_queue_is_closed(
    queue_over: QueueOver, counts: Counts
) -> None:
    sink = MemorySink()
    queue = queue_over(sink)
    for record in numbered(3):
        queue.offer(record)
        await until_written(counts, record["number"] + 1)  # type: ignore[operator]
    assert sink.records == numbered(3)
    assert queue.depth == 0


async def test_many_records_are_written_at_a_time(queue_over: QueueOver, counts: Counts) -> None:
    sink = MemorySink()
    queue = queue_over(sink)
    for record in numbered(BATCH_RECORDS + 1):
        queue.offer(record)
    await queue.close(deadline=10)
    assert [len(batch) for batch in sink.batches] == [BATCH_RECORDS, 1]


async def test_a_full_queue_drops_the_newest_record_and_counts_it(
    queue_over: QueueOver, counts: Counts
) -> None:
    sink = MemorySink()
    queue = queue_over(sink, size=10)
    accepted = [queue.offer(record) for record in numbered(12)]
    assert accepted == [True] * 10 + [False] * 2
    assert queue.depth == 10
    await queue.close(deadline=10)
    assert sink.records == numbered(10)
    assert counts.of == {"accepted": 10, "written": 10, "dropped": 2, "failed": 0}


async def test_a_queue_that_has_room_again_accepts_again(
    queue_over: QueueOver, counts: Counts
) -> None:
    queue = queue_over(MemorySink(), size=1)
    assert [queue.offer({}), queue.offer({})] == [True, False]
    await until_written(counts, 1)
    assert queue.offer({})


async def test_a_closing_queue_refuses(queue_over: QueueOver, counts: Counts) -> None:
    sink = MemorySink()
    queue = queue_over(sink)
    await queue.close(deadline=10)
    assert not queue.offer({})
    assert sink.closed
    assert counts.of["dropped"] == 1


async def test_a_refused_write_is_counted_and_the_next_one_is_tried(
    queue_over: QueueOver, counts: Counts, caplog: pytest.LogCaptureFixture
) -> None:
    sink = FullDisk()
    queue = queue_over(sink)
    queue.offer({"number": 1})
    await until_written(counts, 1)
    queue.offer({"number": 2})
    assert await queue.close(deadline=10) == 0
    assert sink.records == [{"number": 2}]
    assert counts.of == {"accepted": 2, "written": 1, "dropped": 0, "failed": 1}
    assert "1 log records could not be written" in caplog.text


async def test_a_sink_that_hangs_never_holds_up_who_logs(
    queue_over: QueueOver, counts: Counts
) -> None:
    sink = HangingSink()
    queue = queue_over(sink, size=5)
    queue.offer({})
    await sink.begun.wait()
    assert [queue.offer({}) for _ in range(6)] == [True] * 5 + [False]
    assert counts.of["dropped"] == 1


async def closed_within_ten_seconds(closing: Awaitable[int]) -> int:
    async with asyncio.timeout(10):
        return await closing


async def test_closing_over_a_sink_that_hangs_ends_with_the_deadline(
    queue_over: QueueOver, counts: Counts
) -> None:
    sink = HangingSink()
    queue = queue_over(sink)
    queue.offer({})
    await sink.begun.wait()
    await closed_within_ten_seconds(queue.close(deadline=0.01))
    assert counts.of == {"accepted": 1, "written": 0, "dropped": 0, "failed": 1}


async def test_closing_says_how_many_records_were_left_over(
    queue_over: QueueOver, counts: Counts
) -> None:
    sink = HangingSink()
    queue = queue_over(sink)
    for record in numbered(BATCH_RECORDS + 100):
        queue.offer(record)
    await sink.begun.wait()
    lost = await closed_within_ten_seconds(queue.close(deadline=0.01))
    assert counts.of["failed"] == BATCH_RECORDS + 100
    assert lost == BATCH_RECORDS + 100


async def test_a_record_that_cannot_be_written_does_not_end_the_writing(
    queue_over: QueueOver, counts: Counts
) -> None:
    class Picky(MemorySink):
        async def write(self, batch: Sequence[Record]) -> None:
            if {"number": 0} in batch:
                raise TypeError("str is not valid UTF-8: surrogates not allowed")
            await super().write(batch)

    sink = Picky()
    queue = queue_over(sink)
    queue.offer({"number": 0})
    await until(lambda: counts.of["failed"] == 1)
    queue.offer({"number": 1})
    await queue.close(deadline=10)
    assert sink.records == [{"number": 1}]
    assert counts.of == {"accepted": 2, "written": 1, "dropped": 0, "failed": 1}
