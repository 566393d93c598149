"""The log queue: its bound, the overflow policies, and exact counts."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.async_logging.log_queue import LogQueue, OverflowPolicy, overflow_policy
from services.async_logging.log_record import Level
from tests.conftest import until
from tests.unit.services.async_logging.log_doubles import CountingObserver, numbered_lines

DROP = overflow_policy("drop", wait_seconds=1)
SHED = overflow_policy("shed", wait_seconds=1)
BLOCK = overflow_policy("block", wait_seconds=1)


def offer(queue: LogQueue, count: int, level: Level = Level.INFO) -> list[bool]:
    return [queue.offer(line, level) for line in numbered_lines(count)]


def take(queue: LogQueue, maximum: int, linger: float = 0) -> list[bytes]:
    return list(queue.take(maximum, linger))


def test_lines_are_taken_in_the_order_of_their_offers() -> None:
    queue = LogQueue(10, DROP, CountingObserver())
    assert all(offer(queue, 5))
    assert take(queue, 3) == numbered_lines(5)[:3]
    assert take(queue, 3) == numbered_lines(5)[3:]


def test_a_full_queue_drops_the_newest_line() -> None:
    observer = CountingObserver()
    queue = LogQueue(3, DROP, observer)
    assert offer(queue, 5) == [True] * 3 + [False] * 2
    assert take(queue, 10) == numbered_lines(3)
    assert observer.counts == {"accepted": 3, "dropped": 2}


def test_a_queue_is_full_at_its_size() -> None:
    queue = LogQueue(2, DROP, CountingObserver())
    offer(queue, 1)
    assert not queue.is_full
    offer(queue, 1)
    assert queue.is_full


def test_lines_of_an_unfinished_batch_still_take_up_room() -> None:
    queue = LogQueue(3, DROP, CountingObserver())
    offer(queue, 3)
    queue.take(3, linger=0)
    assert queue.depth == 3
    assert offer(queue, 1) == [False]
    queue.finish_batch(written=True)
    assert queue.depth == 0
    assert offer(queue, 1) == [True]


def test_shed_keeps_the_last_fifth_for_warnings_and_errors() -> None:
    queue = LogQueue(10, SHED, CountingObserver())
    assert offer(queue, 10) == [True] * 8 + [False] * 2
    assert offer(queue, 1, Level.WARNING) == offer(queue, 1, Level.ERROR) == [True]
    assert offer(queue, 1, Level.ERROR) == [False]


def test_the_smallest_queue_still_accepts_a_line_below_warning() -> None:
    assert offer(LogQueue(1, SHED, CountingObserver()), 2) == [True, False]
    reserved = OverflowPolicy(reserved_share=1.0)
    assert offer(LogQueue(3, reserved, CountingObserver()), 2) == [True, False]


def test_a_closed_queue_refuses_lines_and_can_still_be_drained() -> None:
    observer = CountingObserver()
    queue = LogQueue(10, DROP, observer)
    offer(queue, 1)
    queue.close()
    assert offer(queue, 1) == [False]
    assert take(queue, 10, linger=60) == numbered_lines(1)
    assert take(queue, 10, linger=60) == []
    assert observer.counts == {"accepted": 1, "dropped": 1}


def test_an_abandoned_queue_refuses_lines_and_counts_the_lost_lines_once() -> None:
    observer = CountingObserver()
    queue = LogQueue(10, DROP, observer)
    offer(queue, 5)
    queue.take(2, linger=0)
    assert queue.abandon() == 5
    queue.finish_batch(written=True)
    assert offer(queue, 1) == [False]
    assert queue.abandon() == queue.depth == 0
    assert observer.counts == {"accepted": 5, "failed": 5, "dropped": 1}


def test_sampled_records_are_counted_without_an_offer() -> None:
    observer = CountingObserver()
    LogQueue(10, DROP, observer).count_sampled(3)
    assert observer.counts == {"sampled": 3}


def test_policies_differ_in_their_reserve_and_their_wait() -> None:
    assert OverflowPolicy(reserved_share=0.0, wait_seconds=0.0) == DROP
    assert OverflowPolicy(reserved_share=0.2, wait_seconds=0.0) == SHED
    assert OverflowPolicy(reserved_share=0.0, wait_seconds=1) == BLOCK


def test_an_unknown_policy_is_refused() -> None:
    with pytest.raises(KeyError):
        overflow_policy("pray", wait_seconds=1)


async def test_waiting_for_room_returns_at_once_unless_the_queue_is_full() -> None:
    assert await LogQueue(1, BLOCK, CountingObserver()).wait_for_room(0)


async def test_all_waiting_callers_get_room_when_a_batch_is_written() -> None:
    queue = LogQueue(1, BLOCK, CountingObserver())
    offer(queue, 1)
    waiting = [asyncio.create_task(queue.wait_for_room(60)) for _ in range(3)]
    await asyncio.sleep(0)
    queue.take(1, linger=0)
    assert not any(each.done() for each in waiting)
    queue.finish_batch(written=True)
    async with asyncio.timeout(30):
        assert await asyncio.gather(*waiting) == [True] * 3


async def test_after_one_timeout_no_caller_waits_until_a_batch_is_finished() -> None:
    queue = LogQueue(1, BLOCK, CountingObserver())
    offer(queue, 1)
    assert not await queue.wait_for_room(0.001)
    async with asyncio.timeout(30):
        assert not await queue.wait_for_room(60)
    queue.take(1, linger=0)
    queue.finish_batch(written=False)
    offer(queue, 1)
    waiting = asyncio.create_task(queue.wait_for_room(60))
    await asyncio.sleep(0)
    assert not waiting.done()
    queue.take(1, linger=0)
    queue.finish_batch(written=True)
    async with asyncio.timeout(30):
        assert await waiting


async def test_closing_the_queue_ends_the_wait_for_room() -> None:
    queue = LogQueue(1, BLOCK, CountingObserver())
    offer(queue, 1)
    waiting = asyncio.create_task(queue.wait_for_room(60))
    await asyncio.sleep(0)
    queue.close()
    async with asyncio.timeout(30):
        assert not await waiting
        assert not await queue.wait_for_room(60)


async def test_a_line_or_closing_wakes_a_writer_that_waits() -> None:
    queue = LogQueue(10, DROP, CountingObserver())
    taking = asyncio.create_task(asyncio.to_thread(take, queue, 1, 60))
    await until(lambda: queue._wake_at == 1)
    offer(queue, 1)
    assert await taking == numbered_lines(1)
    taking = asyncio.create_task(asyncio.to_thread(take, queue, 1, 60))
    await until(lambda: queue._wake_at == 1)
    queue.close()
    assert await taking == []


async def test_a_writer_that_lingers_returns_when_the_batch_is_full() -> None:
    queue = LogQueue(10, DROP, CountingObserver())
    taking = asyncio.create_task(asyncio.to_thread(take, queue, 3, 60))
    offer(queue, 2)
    await until(lambda: queue._wake_at == 3)
    offer(queue, 1)
    assert len(await taking) == 3


async def test_a_writer_does_not_linger_for_more_lines_than_the_queue_accepts() -> None:
    queue = LogQueue(10, SHED, CountingObserver())
    offer(queue, 8)
    async with asyncio.timeout(30):
        assert len(await asyncio.to_thread(take, queue, 512, 60)) == 8


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("offer"), st.sampled_from(Level)),
        st.tuples(st.just("take"), st.integers(1, 5)),
        st.tuples(st.just("finish"), st.booleans()),
        st.tuples(st.just("close"), st.none()),
        st.tuples(st.just("abandon"), st.none()),
    ),
    max_size=60,
)


@given(size=st.integers(1, 8), reserved_share=st.sampled_from([0.0, 0.2, 1.0]), steps=STEPS)
def test_after_any_steps_accepted_equals_written_plus_failed_plus_depth(
    size: int, reserved_share: float, steps: list[tuple[str, int]]
) -> None:
    observer = CountingObserver()
    counts = observer.counts
    queue = LogQueue(size, OverflowPolicy(reserved_share), observer)
    offers, is_closed = 0, False
    for step, value in steps:
        match step:
            case "offer":
                offers += 1
                queue.offer(b"", Level(value))
            case "take":
                if (len(queue._lines) or is_closed) and not queue._batch_lines:
                    queue.take(value, linger=0)
            case "finish":
                queue.finish_batch(written=bool(value))
            case "close":
                is_closed = True
                queue.close()
            case "abandon":
                queue.abandon()
        assert counts["accepted"] + counts["dropped"] == offers
        assert counts["accepted"] == counts["written"] + counts["failed"] + queue.depth
        assert queue.depth <= size
