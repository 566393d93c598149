"""Tail sampling: a request's records are kept when it failed or was slow, whatever the share."""

import asyncio

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.async_logging.log_queue import LogQueue
from services.async_logging.policy import policy_named
from services.async_logging.record import Level
from services.async_logging.request_log import MAXIMUM_HELD, RequestLog, Rules
from services.async_logging.sampling import position, rates_of
from tests.clock import Clock
from tests.unit.services.async_logging.made_up import Counts, record

SLOW = 1.0
NOTHING = Rules(rates_of("/", {"INFO": 0, "DEBUG": 0}), SLOW)
EVERYTHING = Rules(rates_of("/", {}), SLOW)


class Scene:
    """A queue that nobody empties, and request logs that write into it."""

    def __init__(self, size: int = 100, policy: str = "drop", wait: float = 1) -> None:
        self.clock = Clock()
        self.counts = Counts()
        self.queue = LogQueue(size, policy_named(policy, wait), self.counts)

    def request(self, rules: Rules, request_id: str = "the-request") -> RequestLog:
        return RequestLog(request_id, self.queue, rules, self.clock)

    def bodies(self) -> list[str]:
        lines = list(self.queue.take(1000, linger=0)) if self.queue.waiting else []
        self.queue.settle(written=True)
        return [orjson.loads(line)["body"] for line in lines]


async def test_records_of_a_good_and_quick_request_are_left_out_and_counted() -> None:
    scene = Scene()
    async with scene.request(NOTHING) as log:
        log.log(record())
        log.log(record(Level.DEBUG))
        scene.clock.now = SLOW * 0.99
    assert scene.bodies() == []
    assert scene.counts.of == {"sampled": 2, "written": 0}


async def test_records_of_a_slow_request_are_kept() -> None:
    scene = Scene()
    async with scene.request(NOTHING) as log:
        log.log(record(body="one"))
        log.log(record(body="two"))
        scene.clock.now = SLOW
    assert scene.bodies() == ["one", "two"]
    assert scene.counts.of["sampled"] == 0


@pytest.mark.parametrize("error", [ValueError, asyncio.CancelledError])
async def test_records_of_a_request_that_fails_are_kept(error: type[BaseException]) -> None:
    scene = Scene()

    async def request() -> None:
        async with scene.request(NOTHING) as log:
            log.log(record(body="one"))
            raise error

    with pytest.raises(error):
        await request()
    assert scene.bodies() == ["one"]


async def test_an_error_brings_what_led_to_it_and_what_follows() -> None:
    scene = Scene()
    async with scene.request(NOTHING) as log:
        log.log(record(body="before"))
        log.log(record(Level.ERROR, "error"))
        log.log(record(body="after"))
    assert scene.bodies() == ["before", "error", "after"]


async def test_a_warning_is_kept_alone() -> None:
    scene = Scene()
    async with scene.request(NOTHING) as log:
        log.log(record(body="before"))
        log.log(record(Level.WARNING, "warning"))
    assert scene.bodies() == ["warning"]
    assert scene.counts.of["sampled"] == 1


async def test_what_is_held_back_is_bounded_and_the_latest_stays() -> None:
    scene = Scene(size=2 * MAXIMUM_HELD)
    async with scene.request(NOTHING) as log:
        for number in range(MAXIMUM_HELD + 2):
            log.log(record(body=str(number)))
        log.log(record(Level.ERROR, "error"))
    assert scene.counts.of == {"sampled": 2, "accepted": MAXIMUM_HELD + 1}
    assert scene.bodies()[0] == "2"


@given(shares=st.tuples(st.floats(0, 1), st.floats(0, 1)), request_id=st.text())
def test_a_request_is_kept_by_level_where_its_position_is_below_the_share(
    shares: tuple[float, float], request_id: str
) -> None:
    rules = Rules(rates_of("/", {"DEBUG": shares[0], "INFO": shares[1]}), SLOW)

    async def logged() -> list[str]:
        scene = Scene()
        async with scene.request(rules, request_id) as log:
            log.log(record(Level.DEBUG, "DEBUG"))
            log.log(record(Level.INFO, "INFO"))
        return scene.bodies()

    where = position(request_id)
    expected = [
        name for name, share in zip(("DEBUG", "INFO"), shares, strict=True) if where < share
    ]
    assert asyncio.run(logged()) == expected


async def test_where_the_policy_is_to_block_a_request_waits_for_room_at_its_end() -> None:
    scene = Scene(size=2, policy="block", wait=60)

    async def request() -> None:
        async with scene.request(EVERYTHING) as log:
            for number in range(5):
                log.log(record(body=str(number)))

    waiting = asyncio.create_task(request())
    seen: list[str] = []
    async with asyncio.timeout(30):
        while not waiting.done():
            await asyncio.sleep(0)
            seen += scene.bodies()
    assert seen + scene.bodies() == ["0", "1", "2", "3", "4"]
    assert scene.counts.of["dropped"] == 0


async def test_a_request_that_has_waited_long_enough_drops_the_rest() -> None:
    scene = Scene(size=2, policy="block", wait=0.001)
    async with asyncio.timeout(30):
        async with scene.request(EVERYTHING) as log:
            for _ in range(5):
                log.log(record())
    assert scene.counts.of == {"accepted": 2, "dropped": 3}


async def test_a_request_cancelled_while_it_waits_counts_what_it_could_not_say() -> None:
    scene = Scene(size=2, policy="block", wait=60)

    async def request() -> None:
        async with scene.request(EVERYTHING) as log:
            for _ in range(5):
                log.log(record())

    waiting = asyncio.create_task(request())
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert scene.counts.of == {"accepted": 2, "dropped": 3}
