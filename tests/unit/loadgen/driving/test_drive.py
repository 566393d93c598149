"""Continuous load against a real server: one variant at a time, changed within a second."""

import asyncio
import gc
import os
import sys
import tracemalloc
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from time import perf_counter

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestClient, TestServer
from pytest_aiohttp import AiohttpServer

from loadgen.driving.control import Load, Slot
from loadgen.driving.drive import Driver, application_of
from loadgen.sending.connection import Address
from services.catalog import BY_NAME
from services.telemetry import LOADGEN_ACTIVE, LOADGEN_INTENDED_RATE, LOADGEN_LAG
from tests.conftest import Client, samples, until
from tests.unit.loadgen.driving.test_control import ALL

REQUESTS = "loadgen_requests_total"
DURATIONS = "loadgen_request_duration_seconds_count"


class Lab:
    """Answers for every service, and sees who is asked for what."""

    def __init__(self) -> None:
        self.turns: list[Slot] = []
        self.asked: Counter[Slot] = Counter()
        #: Only the first: this is to take no memory that grows either.
        self.queries: list[str] = []
        self.active: Counter[Slot] = Counter()
        self.most_at_once = 0
        self.delay = 0.0
        self.silent = False

    def was_asked_more_than(self, times: int) -> bool:
        return self.asked.total() > times

    async def handle(self, request: web.Request) -> web.Response:
        slot = Slot(request.match_info["technique"], request.match_info["variant"])
        self._seen(slot, request.query_string)
        self.active[slot] += 1
        self.most_at_once = max(self.most_at_once, len(+self.active))
        try:
            if self.silent:
                await asyncio.Event().wait()
            await asyncio.sleep(self.delay)
        finally:
            self.active[slot] -= 1
        return web.json_response({"links": {"last": "?cursor=a", "prev": "?cursor=b"}})

    def _seen(self, slot: Slot, query: str) -> None:
        if not self.turns or self.turns[-1] != slot:
            self.turns.append(slot)
        self.asked[slot] += 1
        if len(self.queries) < 200:
            self.queries.append(query)


@pytest.fixture
def lab() -> Lab:
    return Lab()


@pytest.fixture
async def address(aiohttp_server: AiohttpServer, lab: Lab) -> Address:
    application = web.Application()
    application.router.add_get("/{technique}/{variant}", lab.handle)
    server = await aiohttp_server(application)
    assert server.port is not None
    return Address("127.0.0.1", server.port)


@asynccontextmanager
async def driven(address: Address, load: Load) -> AsyncIterator[Client]:
    """A client of the control of a driver that drives."""
    driver = Driver(dict.fromkeys(BY_NAME, address), 1, load)
    client: Client = TestClient(TestServer(application_of(driver)))
    async with client:
        yield client


async def seconds_until(condition: Callable[[], bool]) -> float:
    started = perf_counter()
    await until(condition)
    return perf_counter() - started


def named(metric: str, slot: Slot, outcome: str = "") -> str:
    labels = {"outcome": outcome, **slot._asdict()}
    written = ",".join(f'{name}="{value}"' for name, value in labels.items() if value)
    return f"{metric}{{{written}}}"


async def sampled(client: Client, name: str, wanted: Callable[[float], bool]) -> dict[str, float]:
    """All samples, once there is that one and its value is as wanted."""
    async with asyncio.timeout(10):
        while True:
            found = await samples(client)
            if name in found and wanted(found[name]):
                return found
            await asyncio.sleep(0.01)


async def test_every_variant_is_driven_in_turn_and_never_two_at_once(
    address: Address, lab: Lab
) -> None:
    async with driven(address, Load(slot_seconds=0.1, pause=0.001)):
        await until(lambda: len(lab.turns) >= 2 * len(ALL) + 2)
    assert lab.most_at_once == 1
    assert set(lab.turns) == set(ALL)
    of_caching = [slot.variant for slot in lab.turns if slot.technique == "caching"]
    names = BY_NAME["caching"].variant_names()
    assert of_caching[: 2 * len(names)] == [*names, *reversed(names)]


async def test_what_was_counted_is_what_the_service_saw(address: Address, lab: Lab) -> None:
    slot = Slot("caching", "naive")
    load = Load(techniques=["caching"], variants=["naive"], slot_seconds=0.2)
    async with driven(address, load) as client:
        await until(lambda: lab.asked[slot] > 20)
        await client.post("/drive/stop")
        await until(lambda: not lab.active[slot])
        name = named(REQUESTS, slot, "ok")
        found = await sampled(client, name, lambda counted: counted == lab.asked[slot])
    assert found[named(REQUESTS, slot, "error")] == 0
    assert found[named(DURATIONS, slot)] == found[name]


async def test_each_attack_goes_on_in_the_inputs_where_the_last_one_ended(
    address: Address, lab: Lab
) -> None:
    load = Load(techniques=["caching"], variants=["naive"], slot_seconds=0.1, concurrency=1)
    async with driven(address, load):
        await until(lambda: len(lab.queries) > 100)
    # Zipf's first ranks come often, but nothing comes as if drawn anew every tenth of a second.
    begun = lab.queries[:5]
    again = [n for n in range(5, 100) if lab.queries[n : n + 5] == begun]
    assert again == []


async def test_a_change_takes_effect_within_a_second_however_long_the_slot(
    address: Address, lab: Lab
) -> None:
    load = Load(techniques=["caching"], slot_seconds=60)
    async with driven(address, load) as client:
        await until(lambda: lab.was_asked_more_than(5))
        await client.put("/drive", json={"techniques": ["compression"]})
        seconds = await seconds_until(lambda: lab.turns[-1].technique == "compression")
        assert seconds < 1
        assert [slot.technique for slot in lab.turns] == ["caching", "compression"]
        state = await (await client.get("/drive")).json()
        assert state["current"] == lab.turns[-1]._asdict()


async def test_stopped_it_sends_nothing_until_it_is_started(address: Address, lab: Lab) -> None:
    load = Load(techniques=["caching"], slot_seconds=60)
    async with driven(address, load) as client:
        await until(lambda: lab.was_asked_more_than(5))
        await client.post("/drive/stop")
        slot = Slot("caching", "naive")
        asked_at = perf_counter()
        await sampled(client, named(LOADGEN_ACTIVE.name, slot), lambda active: not active)
        assert perf_counter() - asked_at < 1
        stopped_at = lab.asked.total()
        assert (await (await client.get("/drive")).json())["current"] is None
        await asyncio.sleep(0.2)  # time in which it would have sent
        assert lab.asked.total() == stopped_at
        await client.post("/drive/start")
        assert await seconds_until(lambda: lab.was_asked_more_than(stopped_at)) < 1


async def test_a_service_that_never_answers_delays_no_change(address: Address, lab: Lab) -> None:
    lab.silent = True
    async with driven(address, Load(techniques=["caching"])) as client:
        await until(lambda: lab.was_asked_more_than(0))
        await client.put("/drive", json={"techniques": ["pagination"]})
        # Pagination's inputs are asked for, and not answered either.
        assert await seconds_until(lambda: lab.turns[-1].technique == "pagination") < 1
        await client.put("/drive", json={"techniques": ["compression"]})
        assert await seconds_until(lambda: lab.turns[-1].technique == "compression") < 1


async def test_it_ends_within_a_second_whatever_is_under_way(address: Address, lab: Lab) -> None:
    lab.silent = True
    async with driven(address, Load(techniques=["caching"], slot_seconds=60)):
        await until(lambda: lab.was_asked_more_than(0))
        started = perf_counter()
    assert perf_counter() - started < 1


async def test_a_service_that_is_away_is_left_out_and_tried_again(
    address: Address, lab: Lab, unused_tcp_port: int, aiohttp_server: AiohttpServer
) -> None:
    addresses = dict.fromkeys(BY_NAME, address)
    addresses["pagination"] = Address("127.0.0.1", unused_tcp_port)
    load = Load(techniques=["pagination", "caching"], slot_seconds=0.1)
    driver = Driver(addresses, 1, load)
    async with TestClient(TestServer(application_of(driver))):
        await until(lambda: lab.asked[Slot("caching", "optimized")] > 0)
        assert {slot.technique for slot in lab.turns} == {"caching"}
        application = web.Application()
        application.router.add_get("/{technique}/{variant}", lab.handle)
        await aiohttp_server(application, port=unused_tcp_port)
        await until(lambda: lab.asked[Slot("pagination", "offset")] > 0)


async def test_an_open_loop_sends_as_many_as_it_intends(address: Address, lab: Lab) -> None:
    slot = Slot("caching", "optimized")
    load = Load(techniques=["caching"], variants=["optimized"], rate=100, slot_seconds=1)
    async with driven(address, load) as client:
        await until(lambda: lab.asked[slot] > 0)
        started, begun = perf_counter(), lab.asked[slot]
        await until(lambda: lab.asked[slot] >= begun + 100)
        rate = (lab.asked[slot] - begun) / (perf_counter() - started)
        found = await samples(client)
    assert rate == pytest.approx(100, rel=0.15)
    assert found[named(LOADGEN_INTENDED_RATE.name, slot)] == 100
    assert found[named(f"{LOADGEN_LAG.name}_count", slot)] == found[named(REQUESTS, slot, "ok")]


async def test_an_open_loop_counts_from_when_a_request_was_meant_to_be_sent(
    address: Address, lab: Lab
) -> None:
    """32 connections bear 640 a second: counted from the sending, each would take 50 ms."""
    lab.delay = 0.05
    slot = Slot("caching", "naive")
    load = Load(techniques=["caching"], variants=["naive"], rate=1000, concurrency=1)
    async with driven(address, load) as client:
        found = await sampled(client, named(DURATIONS, slot), bool)
    seconds = found[named(DURATIONS.replace("count", "sum"), slot)]
    assert seconds / found[named(DURATIONS, slot)] > 0.1


async def test_without_a_rate_none_is_intended(address: Address, lab: Lab) -> None:
    slot = Slot("caching", "naive")
    two = ["naive", "optimized"]
    load = Load(techniques=["caching"], variants=two, rate=40, slot_seconds=0.1)
    async with driven(address, load) as client:
        await until(lambda: lab.asked[slot] > 0)
        name = named(LOADGEN_INTENDED_RATE.name, slot)
        await sampled(client, name, lambda rate: rate == 20)
        await client.put("/drive", json={"rate": None})
        await sampled(client, name, lambda rate: rate == 0)


async def test_the_process_serves_its_control_and_ends_within_a_second_of_a_signal(
    address: Address, lab: Lab, unused_tcp_port: int
) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "loadgen", "drive", "--target", str(address)),
        env={**os.environ, "LAB_PORT": str(unused_tcp_port)},
    )
    try:
        await until(lambda: lab.was_asked_more_than(0))
        async with ClientSession(f"http://127.0.0.1:{unused_tcp_port}") as session:
            for path in ("/healthz", "/readyz", "/metrics", "/drive"):
                assert (await session.get(path)).status == 200
    finally:
        process.terminate()
    assert await asyncio.wait_for(process.wait(), timeout=2) == 0


async def test_memory_does_not_grow_with_the_number_of_requests(address: Address, lab: Lab) -> None:
    sizes = []
    tracemalloc.start()
    try:
        async with driven(address, Load(pause=0, slot_seconds=0.1)):
            # A round draws the inputs of every technique, which are kept.
            await until(lambda: len(lab.turns) > len(ALL), 60)
            for more in (1000, 6000):
                wanted = lab.asked.total() + more
                await until(partial(lab.was_asked_more_than, wanted), 60)
                gc.collect()
                sizes.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    # How many buckets are in use varies. A list of latencies would have grown by 24 bytes and more
    # for each of the 6000.
    assert sizes[1] - sizes[0] < 6000 * 20, sizes
