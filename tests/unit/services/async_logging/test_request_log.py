"""Tail sampling: records of requests that fail or are slow are kept, whatever the share."""

import asyncio

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.async_logging.log_queue import LogQueue, overflow_policy
from services.async_logging.log_record import Level
from services.async_logging.request_log import RequestLog
from services.async_logging.sampling import SamplingRules, sampling_position, shares_of_route
from tests.clock import Clock
from tests.unit.services.async_logging.log_doubles import CountingObserver, sample_record

STARTED = 100.0
MAXIMUM_HELD = 1000  # the number that the card names
SLOW = 1.0
KEEP_NOTHING = SamplingRules(shares_of_route("/", {"INFO": 0, "DEBUG": 0}), SLOW)
KEEP_ALL = SamplingRules(shares_of_route("/", {}), SLOW)


class Scene:
    """A queue without a writer, and request logs that offer records to it."""

    def __init__(self, size: int = 100, policy: str = "drop", wait_seconds: float = 1) -> None:
        self.clock = Clock(STARTED)
        self.observer = CountingObserver()
        self.queue = LogQueue(size, overflow_policy(policy, wait_seconds), self.observer)

    def request(self, rules: SamplingRules, request_id: str = "the-request") -> RequestLog:
        return RequestLog(request_id, self.queue, rules, self.clock)

    def bodies(self) -> list[str]:
        lines = list(self.queue.take(1000, linger=0)) if self.queue.depth else []
        self.queue.finish_batch(written=True)
        return [orjson.loads(line)["body"] for line in lines]


async def let_timers_fire() -> None:
    """Run the event loop often enough for a timeout that has passed to end its wait."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_records_of_a_successful_fast_request_are_counted_as_sampled() -> None:
    scene = Scene()
    async with scene.request(KEEP_NOTHING) as log:
        log.log(sample_record())
        log.log(sample_record(Level.DEBUG))
        scene.clock.now = STARTED + SLOW * 0.99
    assert scene.bodies() == []
    assert scene.observer.counts == {"sampled": 2, "written": 0}


async def test_records_of_a_slow_request_are_kept() -> None:
    scene = Scene()
    async with scene.request(KEEP_NOTHING) as log:
        log.log(sample_record(body="one"))
        log.log(sample_record(body="two"))
        scene.clock.now = STARTED + SLOW
    assert scene.bodies() == ["one", "two"]
    assert scene.observer.counts["sampled"] == 0


@pytest.mark.parametrize("error", [ValueError, asyncio.CancelledError])
async def test_records_of_a_request_that_fails_are_kept(error: type[BaseException]) -> None:
    scene = Scene()

    async def request() -> None:
        async with scene.request(KEEP_NOTHING) as log:
            log.log(sample_record(body="one"))
            raise error

    with pytest.raises(error):
        await request()
    assert scene.bodies() == ["one"]


async def test_an_error_keeps_all_records_before_and_after_it() -> None:
    scene = Scene()
    async with scene.request(KEEP_NOTHING) as log:
        log.log(sample_record(body="before"))
        log.log(sample_record(Level.ERROR, "error"))
        log.log(sample_record(body="after"))
    assert scene.bodies() == ["before", "error", "after"]


async def test_a_warning_keeps_only_itself() -> None:
    scene = Scene()
    async with scene.request(KEEP_NOTHING) as log:
        log.log(sample_record(body="before"))
        log.log(sample_record(Level.WARNING, "warning"))
    assert scene.bodies() == ["warning"]
    assert scene.observer.counts["sampled"] == 1


async def test_held_records_are_bounded_and_the_oldest_are_discarded() -> None:
    scene = Scene(size=2 * MAXIMUM_HELD)
    async with scene.request(KEEP_NOTHING) as log:
        for number in range(MAXIMUM_HELD + 2):
            log.log(sample_record(body=str(number)))
        log.log(sample_record(Level.ERROR, "error"))
    assert scene.observer.counts == {"sampled": 2, "accepted": MAXIMUM_HELD + 1}
    assert scene.bodies()[0] == "2"


@given(shares=st.tuples(st.floats(0, 1), st.floats(0, 1)), request_id=st.text())
def test_a_record_is_kept_if_the_requests_position_is_below_the_share_of_its_level(
    shares: tuple[float, float], request_id: str
) -> None:
    rules = SamplingRules(shares_of_route("/", {"DEBUG": shares[0], "INFO": shares[1]}), SLOW)

    async def logged() -> list[str]:
        scene = Scene()
        async with scene.request(rules, request_id) as log:
            log.log(sample_record(Level.DEBUG, "DEBUG"))
            log.log(sample_record(Level.INFO, "INFO"))
        return scene.bodies()

    position = sampling_position(request_id)
    expected = [
        name for name, share in zip(("DEBUG", "INFO"), shares, strict=True) if position < share
    ]
    assert asyncio.run(logged()) == expected


async def test_a_record_is_left_out_if_the_requests_position_equals_the_share() -> None:
    scene = Scene()
    rules = SamplingRules({Level.INFO: sampling_position("the-request")}, SLOW)
    async with scene.request(rules) as log:
        log.log(sample_record())
    assert scene.bodies() == []


async def test_with_the_policy_block_a_request_waits_for_room_at_its_end() -> None:
    scene = Scene(size=2, policy="block", wait_seconds=60)

    async def request() -> None:
        async with scene.request(KEEP_ALL) as log:
            for number in range(5):
                log.log(sample_record(body=str(number)))

    waiting = asyncio.create_task(request())
    bodies: list[str] = []
    await let_timers_fire()
    assert not waiting.done()
    async with asyncio.timeout(30):
        while not waiting.done():
            await asyncio.sleep(0)
            bodies += scene.bodies()
    assert bodies + scene.bodies() == ["0", "1", "2", "3", "4"]
    assert scene.observer.counts["dropped"] == 0


async def test_a_request_drops_its_remaining_lines_after_the_wait() -> None:
    scene = Scene(size=2, policy="block", wait_seconds=0.001)
    async with asyncio.timeout(30):
        async with scene.request(KEEP_ALL) as log:
            for _ in range(5):
                log.log(sample_record())
    assert scene.observer.counts == {"accepted": 2, "dropped": 3}


async def test_a_request_cancelled_while_it_waits_counts_its_remaining_lines_as_dropped() -> None:
    scene = Scene(size=2, policy="block", wait_seconds=60)

    async def request() -> None:
        async with scene.request(KEEP_ALL) as log:
            for _ in range(5):
                log.log(sample_record())

    waiting = asyncio.create_task(request())
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert scene.observer.counts == {"accepted": 2, "dropped": 3}


async def test_lines_wait_for_room_only_with_the_policy_block_and_a_full_queue() -> None:
    dropping = Scene(size=2, policy="drop")
    blocking = Scene(size=2, policy="block", wait_seconds=0.001)
    async with dropping.request(KEEP_ALL) as dropped, blocking.request(KEEP_ALL) as blocked:
        for _ in range(5):
            dropped.log(sample_record())
            blocked.log(sample_record())
        assert dropping.observer.counts == {"accepted": 2, "dropped": 3}
        assert blocking.observer.counts == {"accepted": 2}


async def test_lines_that_wait_for_room_are_bounded() -> None:
    scene = Scene(size=1, policy="block", wait_seconds=0.001)
    async with scene.request(KEEP_ALL) as log:
        for _ in range(1 + MAXIMUM_HELD):
            log.log(sample_record())
        assert scene.observer.counts == {"accepted": 1}
        log.log(sample_record())
        assert scene.observer.counts == {"accepted": 1, "dropped": 1}
    assert scene.observer.counts == {"accepted": 1, "dropped": 1 + MAXIMUM_HELD}


async def test_lines_keep_their_order_while_some_of_them_wait_for_room() -> None:
    scene = Scene(size=1, policy="block", wait_seconds=60)

    async def request() -> None:
        async with scene.request(KEEP_ALL) as log:
            log.log(sample_record(body="0"))
            log.log(sample_record(body="1"))
            bodies.extend(scene.bodies())
            log.log(sample_record(body="2"))  # there is room now, but "1" still waits

    bodies: list[str] = []
    waiting = asyncio.create_task(request())
    async with asyncio.timeout(30):
        while not waiting.done():
            await asyncio.sleep(0)
            bodies += scene.bodies()
    assert bodies + scene.bodies() == ["0", "1", "2"]
