"""The thread that writes: batches, failures, and an end within the deadline."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from services.async_logging.log_queue import LogQueue
from services.async_logging.log_writer import BATCH_LINES, LogWriter, Sink
from services.async_logging.policy import Policy
from services.async_logging.record import Level
from tests.conftest import until
from tests.unit.services.async_logging.made_up import (
    Counts,
    FullDisk,
    HangingSink,
    MemorySink,
    numbered,
)

WriterOver = Callable[..., tuple[LogQueue, LogWriter]]


@pytest.fixture
def counts() -> Counts:
    return Counts()


@pytest.fixture
async def writer_over(counts: Counts) -> AsyncIterator[WriterOver]:
    """Start writers, and end them with the test."""
    writers: list[LogWriter] = []

    def start(sink: Sink, size: int = 10_000, linger: float = 0.0) -> tuple[LogQueue, LogWriter]:
        queue = LogQueue(size, Policy(), counts)
        writer = LogWriter(queue, sink, linger)
        writer.start()
        writers.append(writer)
        return queue, writer

    yield start
    for writer in writers:
        await writer.close(0.01)


def offer(queue: LogQueue, count: int) -> int:
    return sum(queue.offer(line, Level.INFO) for line in numbered(count))


async def test_what_is_accepted_is_written_in_order(
    writer_over: WriterOver, counts: Counts
) -> None:
    sink = MemorySink()
    queue, writer = writer_over(sink)
    assert offer(queue, 3_000) == 3_000
    assert await writer.close(30) == 0
    assert sink.lines == numbered(3_000)
    assert sink.closed
    assert counts.of == {"accepted": 3_000, "written": 3_000, "failed": 0}


async def test_lines_are_written_without_the_queue_being_closed(
    writer_over: WriterOver, counts: Counts
) -> None:
    sink = MemorySink()
    queue, _ = writer_over(sink, linger=0.01)
    offer(queue, 3)
    await until(lambda: counts.of["written"] == 3)
    assert sink.lines == numbered(3)
    assert queue.waiting == 0


async def test_many_lines_are_written_at_a_time(writer_over: WriterOver) -> None:
    sink = MemorySink()
    queue, writer = writer_over(sink, linger=60)
    offer(queue, BATCH_LINES)
    await until(lambda: bool(sink.writes))
    offer(queue, 1)
    await writer.close(30)
    assert [len(each.splitlines()) for each in sink.writes] == [BATCH_LINES, 1]


async def test_a_sink_that_hangs_holds_up_nobody_and_every_line_is_accounted_for(
    writer_over: WriterOver, counts: Counts
) -> None:
    sink = HangingSink()
    queue, writer = writer_over(sink, size=50)
    offer(queue, 1)
    await until(sink.begun.is_set)
    assert offer(queue, 100) == 49
    assert counts.of == {"accepted": 50, "dropped": 51}
    sink.released.set()
    assert await writer.close(30) == 0
    assert counts.of["written"] == counts.of["accepted"] == len(sink.lines) == 50


async def test_closing_over_a_sink_that_hangs_ends_with_the_deadline(
    writer_over: WriterOver, counts: Counts
) -> None:
    sink = HangingSink()
    queue, writer = writer_over(sink)
    accepted = offer(queue, BATCH_LINES + 100)
    await until(sink.begun.is_set)
    async with asyncio.timeout(30):
        assert await writer.close(0.01) == accepted
    sink.released.set()  # what it writes now is counted already
    await until(lambda: sink.closed)
    assert counts.of == {"accepted": accepted, "failed": accepted}


async def test_a_refused_write_is_counted_and_the_next_one_is_tried(
    writer_over: WriterOver, counts: Counts, caplog: pytest.LogCaptureFixture
) -> None:
    sink = FullDisk()
    queue, writer = writer_over(sink)
    for number in range(1, 3):
        offer(queue, 1)
        await until(lambda number=number: counts.of["failed"] == number)  # type: ignore[misc]
    sink.full = False
    offer(queue, 1)
    assert await writer.close(30) == 0
    assert counts.of == {"accepted": 3, "written": 1, "failed": 2}
    said = [each.message for each in caplog.records if each.name.startswith("services")]
    assert said == ["log records cannot be written", "log records can be written again"]
