"""The log writer: batches, failed writes, and its end within the timeout."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable

import pytest

from services.async_logging.log_queue import LogQueue, OverflowPolicy
from services.async_logging.log_record import Level
from services.async_logging.log_writer import BATCH_LINES, LogWriter, Sink
from tests.conftest import until
from tests.unit.services.async_logging.log_doubles import (
    CountingObserver,
    FullDisk,
    HangingSink,
    MemorySink,
    numbered_lines,
)

StartWriter = Callable[..., tuple[LogQueue, LogWriter]]


@pytest.fixture
def observer() -> CountingObserver:
    return CountingObserver()


@pytest.fixture
async def start_writer(observer: CountingObserver) -> AsyncIterator[StartWriter]:
    """Start writers, and close them after the test."""
    writers: list[LogWriter] = []

    def start(sink: Sink, size: int = 10_000, linger: float = 0.0) -> tuple[LogQueue, LogWriter]:
        queue = LogQueue(size, OverflowPolicy(), observer)
        writer = LogWriter(queue, sink, linger)
        writer.start()
        writers.append(writer)
        return queue, writer

    yield start
    for writer in writers:
        await writer.close(0.01)


def offer(queue: LogQueue, count: int) -> int:
    return sum(queue.offer(line, Level.INFO) for line in numbered_lines(count))


def own_messages(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [each.message for each in caplog.records if each.name.startswith("services")]


async def test_accepted_lines_are_written_in_order(
    start_writer: StartWriter, observer: CountingObserver
) -> None:
    sink = MemorySink()
    queue, writer = start_writer(sink)
    assert offer(queue, 3_000) == 3_000
    assert await writer.close(30) == 0
    assert sink.lines == numbered_lines(3_000)
    assert sink.is_closed
    assert observer.counts == {"accepted": 3_000, "written": 3_000, "failed": 0}


async def test_lines_are_written_while_the_queue_stays_open(
    start_writer: StartWriter, observer: CountingObserver
) -> None:
    sink = MemorySink()
    queue, _ = start_writer(sink, linger=0.01)
    offer(queue, 3)
    await until(lambda: observer.counts["written"] == 3)
    assert sink.lines == numbered_lines(3)
    assert queue.depth == 0


async def test_a_batch_is_one_write(start_writer: StartWriter) -> None:
    sink = MemorySink()
    queue, writer = start_writer(sink, linger=60)
    offer(queue, 4096)  # the number that the card names
    await until(lambda: bool(sink.writes))
    offer(queue, 1)
    await writer.close(30)
    assert [len(each.splitlines()) for each in sink.writes] == [4096, 1]


async def test_a_hanging_sink_fills_the_queue_and_every_line_is_counted(
    start_writer: StartWriter, observer: CountingObserver
) -> None:
    sink = HangingSink()
    queue, writer = start_writer(sink, size=50)
    offer(queue, 1)
    await until(sink.begun.is_set)
    assert offer(queue, 100) == 49
    assert observer.counts == {"accepted": 50, "dropped": 51}
    sink.released.set()
    assert await writer.close(30) == 0
    assert observer.counts["written"] == observer.counts["accepted"] == len(sink.lines) == 50


async def test_a_hanging_write_does_not_keep_the_process_from_exiting(
    start_writer: StartWriter,
) -> None:
    start_writer(MemorySink())
    (thread,) = [each for each in threading.enumerate() if each.name == "log writer"]
    assert thread.daemon


async def test_closing_a_writer_with_a_hanging_sink_ends_at_the_timeout(
    start_writer: StartWriter, observer: CountingObserver
) -> None:
    sink = HangingSink()
    queue, writer = start_writer(sink)
    accepted = offer(queue, BATCH_LINES + 100)
    await until(sink.begun.is_set)
    async with asyncio.timeout(30):
        assert await writer.close(0.01) == accepted
    sink.released.set()  # the writer has counted these lines as failed already
    await until(lambda: sink.is_closed)
    assert observer.counts == {"accepted": accepted, "failed": accepted}


async def test_a_refused_write_is_counted_as_failed_and_later_lines_are_written(
    start_writer: StartWriter, observer: CountingObserver, caplog: pytest.LogCaptureFixture
) -> None:
    sink = FullDisk()
    queue, writer = start_writer(sink)
    for failures in range(1, 3):
        offer(queue, 1)
        await until(lambda failures=failures: observer.counts["failed"] == failures)  # type: ignore[misc]
        assert own_messages(caplog) == ["log records cannot be written"]
    sink.is_full = False
    for written in range(1, 3):
        offer(queue, 1)
        await until(lambda written=written: observer.counts["written"] == written)  # type: ignore[misc]
    assert await writer.close(30) == 0
    assert observer.counts == {"accepted": 4, "written": 2, "failed": 2}
    assert own_messages(caplog) == [
        "log records cannot be written",
        "log records can be written again",
    ]


async def test_a_sink_that_cannot_be_closed_does_not_keep_the_writer_from_ending(
    start_writer: StartWriter, caplog: pytest.LogCaptureFixture
) -> None:
    class Unclosable(MemorySink):
        def close(self) -> None:
            raise OSError(5, "Input/output error")

    queue, writer = start_writer(Unclosable())
    offer(queue, 1)
    async with asyncio.timeout(30):
        assert await writer.close(60) == 0
    assert own_messages(caplog) == ["the sink of the log records could not be closed"]
