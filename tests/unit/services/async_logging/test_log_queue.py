"""The queue between those who log and the one who writes: bound, policies, exact counts."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.async_logging.log_queue import LogQueue
from services.async_logging.policy import Policy, policy_named
from services.async_logging.record import Level
from tests.conftest import until
from tests.unit.services.async_logging.made_up import Counts, numbered

DROP = policy_named("drop", wait=1)
SHED = policy_named("shed", wait=1)
BLOCK = policy_named("block", wait=1)


def offered(queue: LogQueue, count: int, level: Level = Level.INFO) -> list[bool]:
    return [queue.offer(line, level) for line in numbered(count)]


def taken(queue: LogQueue, most: int, linger: float = 0) -> list[bytes]:
    return list(queue.take(most, linger))


def test_lines_are_taken_in_the_order_in_which_they_came() -> None:
    queue = LogQueue(10, DROP, Counts())
    assert all(offered(queue, 5))
    assert taken(queue, 3) == numbered(5)[:3]
    assert taken(queue, 3) == numbered(5)[3:]


def test_a_full_queue_drops_the_newest_line() -> None:
    counts = Counts()
    queue = LogQueue(3, DROP, counts)
    assert offered(queue, 5) == [True] * 3 + [False] * 2
    assert taken(queue, 10) == numbered(3)
    assert counts.of == {"accepted": 3, "dropped": 2}


def test_lines_that_are_being_written_still_take_up_room() -> None:
    queue = LogQueue(3, DROP, Counts())
    offered(queue, 3)
    queue.take(3, linger=0)
    assert offered(queue, 1) == [False]
    queue.settle(written=True)
    assert offered(queue, 1) == [True]


def test_shedding_leaves_the_last_fifth_to_warnings_and_worse() -> None:
    queue = LogQueue(10, SHED, Counts())
    assert offered(queue, 10) == [True] * 8 + [False] * 2
    assert offered(queue, 1, Level.WARNING) == offered(queue, 1, Level.ERROR) == [True]
    assert offered(queue, 1, Level.ERROR) == [False]


def test_the_smallest_queue_still_takes_an_ordinary_line() -> None:
    assert offered(LogQueue(1, SHED, Counts()), 2) == [True, False]


def test_a_closed_queue_refuses_and_hands_out_what_it_has() -> None:
    counts = Counts()
    queue = LogQueue(10, DROP, counts)
    offered(queue, 1)
    queue.close()
    assert offered(queue, 1) == [False]
    assert taken(queue, 10, linger=60) == numbered(1)
    assert taken(queue, 10, linger=60) == []
    assert counts.of == {"accepted": 1, "dropped": 1}


def test_an_unknown_policy_is_refused() -> None:
    with pytest.raises(KeyError):
        policy_named("pray", wait=1)


async def test_room_is_there_at_once_unless_the_queue_is_full() -> None:
    assert await LogQueue(1, BLOCK, Counts()).room(0)


async def test_who_waits_for_room_gets_it_when_something_is_written() -> None:
    queue = LogQueue(1, BLOCK, Counts())
    offered(queue, 1)
    waiting = [asyncio.create_task(queue.room(60)) for _ in range(3)]
    await asyncio.sleep(0)
    queue.take(1, linger=0)
    assert not any(each.done() for each in waiting)
    queue.settle(written=True)
    assert await asyncio.gather(*waiting) == [True] * 3


async def test_after_one_has_waited_in_vain_nobody_waits_until_something_is_written() -> None:
    queue = LogQueue(1, BLOCK, Counts())
    offered(queue, 1)
    assert not await queue.room(0.001)
    async with asyncio.timeout(30):
        assert not await queue.room(60)
    queue.take(1, linger=0)
    queue.settle(written=False)
    offered(queue, 1)
    waiting = asyncio.create_task(queue.room(60))
    await asyncio.sleep(0)
    queue.take(1, linger=0)
    queue.settle(written=True)
    assert await waiting


async def test_closing_ends_the_waiting() -> None:
    queue = LogQueue(1, BLOCK, Counts())
    offered(queue, 1)
    waiting = asyncio.create_task(queue.room(60))
    await asyncio.sleep(0)
    queue.close()
    assert not await waiting


async def test_a_writer_that_sleeps_is_woken_by_a_line_and_by_closing() -> None:
    queue = LogQueue(10, DROP, Counts())
    taking = asyncio.create_task(asyncio.to_thread(taken, queue, 1, 60))
    await until(lambda: queue._wanted == 1)
    offered(queue, 1)
    assert await taking == numbered(1)
    taking = asyncio.create_task(asyncio.to_thread(taken, queue, 1, 60))
    await until(lambda: queue._wanted == 1)
    queue.close()
    assert await taking == []


async def test_a_writer_that_lingers_goes_as_soon_as_the_batch_is_full() -> None:
    queue = LogQueue(10, DROP, Counts())
    taking = asyncio.create_task(asyncio.to_thread(taken, queue, 3, 60))
    offered(queue, 2)
    await until(lambda: queue._wanted == 3)
    offered(queue, 1)
    assert len(await taking) == 3


async def test_a_writer_never_lingers_for_more_than_the_queue_accepts() -> None:
    queue = LogQueue(10, SHED, Counts())
    offered(queue, 8)
    async with asyncio.timeout(30):
        assert len(await asyncio.to_thread(taken, queue, 512, 60)) == 8


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("offer"), st.sampled_from(Level)),
        st.tuples(st.just("take"), st.integers(1, 5)),
        st.tuples(st.just("settle"), st.booleans()),
        st.tuples(st.just("close"), st.none()),
        st.tuples(st.just("abandon"), st.none()),
    ),
    max_size=60,
)


@given(size=st.integers(1, 8), reserve=st.sampled_from([0.0, 0.2, 1.0]), steps=STEPS)
def test_whatever_happens_accepted_is_written_and_failed_and_waiting(
    size: int, reserve: float, steps: list[tuple[str, int]]
) -> None:
    counts = Counts()
    queue = LogQueue(size, Policy(reserve=reserve), counts)
    offers, closed = 0, False
    for step, value in steps:
        match step:
            case "offer":
                offers += 1
                queue.offer(b"", Level(value))
            case "take":
                if (len(queue._lines) or closed) and not queue._taken:
                    queue.take(value, linger=0)
            case "settle":
                queue.settle(written=bool(value))
            case "close":
                closed = True
                queue.close()
            case "abandon":
                queue.abandon()
        assert counts.of["accepted"] + counts.of["dropped"] == offers
        assert counts.of["accepted"] == counts.of["written"] + counts.of["failed"] + queue.waiting
        assert queue.waiting <= size
