"""The driver against a real server: one variant at a time, changes within a second."""

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

from loadgen.driving.continuous_load import ContinuousLoad, Slot, slots
from loadgen.driving.driver import Driver, create_application
from loadgen.sending.connection import Address
from services.catalog import BY_NAME
from services.telemetry import LOADGEN_ACTIVE, LOADGEN_INTENDED_RATE, LOADGEN_LAG
from tests.conftest import Client, samples, until
from tests.unit.loadgen.driving.test_continuous_load import EVERY_SLOT

REQUESTS = "loadgen_requests_total"
DURATIONS = "loadgen_request_duration_seconds_count"


class Lab:
    """Stands in for every service and counts requests by slot."""

    def __init__(self) -> None:
        #: Slots in the order of their load.
        self.slots: list[Slot] = []
        self.requests: Counter[Slot] = Counter()
        #: The first 200, so that the memory of this object is bounded.
        self.queries: list[str] = []
        self.active: Counter[Slot] = Counter()
        self.maximum_active_slots = 0
        self.delay = 0.0
        self.silent = False

    def has_more_requests_than(self, count: int) -> bool:
        return self.requests.total() > count

    async def handle(self, request: web.Request) -> web.Response:
        slot = Slot(request.match_info["technique"], request.match_info["variant"])
        self._seen(slot, request.query_string)
        self.active[slot] += 1
        self.maximum_active_slots = max(self.maximum_active_slots, len(+self.active))
        try:
            if self.silent:
                await asyncio.Event().wait()
            await asyncio.sleep(self.delay)
        finally:
            self.active[slot] -= 1
        return web.json_response({"links": {"last": "?cursor=a", "prev": "?cursor=b"}})

    def _seen(self, slot: Slot, query: str) -> None:
        if not self.slots or self.slots[-1] != slot:
            self.slots.append(slot)
        self.requests[slot] += 1
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
async def running(address: Address, load: ContinuousLoad) -> AsyncIterator[Client]:
    """A client of the API of a running driver."""
    driver = Driver(dict.fromkeys(BY_NAME, address), 1, load)
    client: Client = TestClient(TestServer(create_application(driver)))
    async with client:
        yield client


async def seconds_until(condition: Callable[[], bool]) -> float:
    started = perf_counter()
    await until(condition)
    return perf_counter() - started


def sample_name(metric: str, slot: Slot, outcome: str = "") -> str:
    labels = {"outcome": outcome, **slot._asdict()}
    written = ",".join(f'{name}="{value}"' for name, value in labels.items() if value)
    return f"{metric}{{{written}}}"


async def sampled(client: Client, name: str, wanted: Callable[[float], bool]) -> dict[str, float]:
    """All samples, as soon as the named one has a wanted value."""
    async with asyncio.timeout(10):
        while True:
            found = await samples(client)
            if name in found and wanted(found[name]):
                return found
            await asyncio.sleep(0.01)


async def test_the_driver_loads_every_variant_in_turn_and_never_two_at_once(
    address: Address, lab: Lab
) -> None:
    async with running(address, ContinuousLoad(slot_seconds=0.1, pause=0.001)):
        await until(lambda: set(lab.slots) == set(EVERY_SLOT))
    assert lab.maximum_active_slots == 1


async def test_the_second_round_reverses_the_variants(address: Address, lab: Lab) -> None:
    names = BY_NAME["compression"].variant_names()
    load = ContinuousLoad(techniques=["caching", "compression"], slot_seconds=0.1, pause=0.001)
    planned = [*slots(load, 0), *slots(load, 1)]
    async with running(address, load):
        await until(lambda: len(lab.slots) >= len(planned))
    assert lab.slots[: len(planned)] == planned
    assert [slot.variant for slot in planned[-len(names) :]] == [*reversed(names)]


async def test_the_metrics_count_the_requests_that_the_service_received(
    address: Address, lab: Lab
) -> None:
    slot = Slot("caching", "naive")
    load = ContinuousLoad(techniques=["caching"], variants=["naive"], slot_seconds=0.2)
    async with running(address, load) as client:
        await until(lambda: lab.requests[slot] > 20)
        await client.post("/drive/stop")
        await until(lambda: not lab.active[slot])
        name = sample_name(REQUESTS, slot, "ok")
        found = await sampled(client, name, lambda counted: counted == lab.requests[slot])
    assert found[sample_name(REQUESTS, slot, "error")] == 0
    assert found[sample_name(DURATIONS, slot)] == found[name]


async def test_an_attack_continues_with_the_inputs_after_the_previous_attack(
    address: Address, lab: Lab
) -> None:
    load = ContinuousLoad(
        techniques=["caching"], variants=["naive"], slot_seconds=0.1, concurrency=1
    )
    async with running(address, load):
        await until(lambda: len(lab.queries) > 100)
    # If every attack started with the first input, the first five queries would come again.
    first = lab.queries[:5]
    repetitions = [n for n in range(5, 100) if lab.queries[n : n + 5] == first]
    assert repetitions == []


async def test_a_change_ends_a_long_slot_within_a_second(address: Address, lab: Lab) -> None:
    load = ContinuousLoad(techniques=["caching"], slot_seconds=60)
    async with running(address, load) as client:
        await until(lambda: lab.has_more_requests_than(5))
        await client.put("/drive", json={"techniques": ["compression"]})
        seconds = await seconds_until(lambda: lab.slots[-1].technique == "compression")
        assert seconds < 1
        assert [slot.technique for slot in lab.slots] == ["caching", "compression"]
        state = await (await client.get("/drive")).json()
        assert state["current"] == lab.slots[-1]._asdict()


async def test_a_stopped_driver_sends_nothing_until_it_is_started(
    address: Address, lab: Lab
) -> None:
    load = ContinuousLoad(techniques=["caching"], slot_seconds=60)
    async with running(address, load) as client:
        await until(lambda: lab.has_more_requests_than(5))
        await client.post("/drive/stop")
        slot = Slot("caching", "naive")
        stop_requested_at = perf_counter()
        await sampled(client, sample_name(LOADGEN_ACTIVE.name, slot), lambda active: not active)
        assert perf_counter() - stop_requested_at < 1
        count_when_stopped = lab.requests.total()
        assert (await (await client.get("/drive")).json())["current"] is None
        await asyncio.sleep(0.2)  # long enough for many requests
        assert lab.requests.total() == count_when_stopped
        await client.post("/drive/start")
        assert await seconds_until(lambda: lab.has_more_requests_than(count_when_stopped)) < 1


async def test_a_silent_service_does_not_delay_a_change(address: Address, lab: Lab) -> None:
    lab.silent = True
    async with running(address, ContinuousLoad(techniques=["caching"])) as client:
        await until(lambda: lab.has_more_requests_than(0))
        await client.put("/drive", json={"techniques": ["pagination"]})
        # Drawing pagination's inputs gets no response either.
        assert await seconds_until(lambda: lab.slots[-1].technique == "pagination") < 1
        await client.put("/drive", json={"techniques": ["compression"]})
        assert await seconds_until(lambda: lab.slots[-1].technique == "compression") < 1


async def test_the_driver_ends_within_a_second_during_a_request(address: Address, lab: Lab) -> None:
    lab.silent = True
    async with running(address, ContinuousLoad(techniques=["caching"], slot_seconds=60)):
        await until(lambda: lab.has_more_requests_than(0))
        started = perf_counter()
    assert perf_counter() - started < 1


async def test_an_unavailable_service_is_skipped_and_tried_again(
    address: Address, lab: Lab, unused_tcp_port: int, aiohttp_server: AiohttpServer
) -> None:
    addresses = dict.fromkeys(BY_NAME, address)
    addresses["pagination"] = Address("127.0.0.1", unused_tcp_port)
    load = ContinuousLoad(techniques=["pagination", "caching"], slot_seconds=0.1)
    driver = Driver(addresses, 1, load)
    async with TestClient(TestServer(create_application(driver))):
        await until(lambda: lab.requests[Slot("caching", "optimized")] > 0)
        assert {slot.technique for slot in lab.slots} == {"caching"}
        application = web.Application()
        application.router.add_get("/{technique}/{variant}", lab.handle)
        await aiohttp_server(application, port=unused_tcp_port)
        await until(lambda: lab.requests[Slot("pagination", "offset")] > 0)


async def test_an_open_loop_sends_at_its_rate(address: Address, lab: Lab) -> None:
    slot = Slot("caching", "optimized")
    load = ContinuousLoad(techniques=["caching"], variants=["optimized"], rate=100, slot_seconds=1)
    async with running(address, load) as client:
        await until(lambda: lab.requests[slot] > 0)
        started, begun = perf_counter(), lab.requests[slot]
        await until(lambda: lab.requests[slot] >= begun + 100)
        rate = (lab.requests[slot] - begun) / (perf_counter() - started)
        found = await samples(client)
    assert rate == pytest.approx(100, rel=0.15)
    assert found[sample_name(LOADGEN_INTENDED_RATE.name, slot)] == 100
    assert (
        found[sample_name(f"{LOADGEN_LAG.name}_count", slot)]
        == found[sample_name(REQUESTS, slot, "ok")]
    )


async def test_latencies_of_an_open_loop_count_from_the_intended_instant(
    address: Address, lab: Lab
) -> None:
    """32 connections bear 640 requests/s. Counted from sending, each would take 50 ms."""
    lab.delay = 0.05
    slot = Slot("caching", "naive")
    load = ContinuousLoad(techniques=["caching"], variants=["naive"], rate=1000, concurrency=1)
    async with running(address, load) as client:
        found = await sampled(client, sample_name(DURATIONS, slot), bool)
    seconds = found[sample_name(DURATIONS.replace("count", "sum"), slot)]
    assert seconds / found[sample_name(DURATIONS, slot)] > 0.1


async def test_a_closed_loop_has_no_intended_rate(address: Address, lab: Lab) -> None:
    slot = Slot("caching", "naive")
    two = ["naive", "optimized"]
    load = ContinuousLoad(techniques=["caching"], variants=two, rate=40, slot_seconds=0.1)
    async with running(address, load) as client:
        await until(lambda: lab.requests[slot] > 0)
        name = sample_name(LOADGEN_INTENDED_RATE.name, slot)
        await sampled(client, name, lambda rate: rate == 20)
        await client.put("/drive", json={"rate": None})
        await sampled(client, name, lambda rate: rate == 0)


async def test_the_process_serves_its_api_and_ends_within_a_second_of_a_signal(
    address: Address, lab: Lab, unused_tcp_port: int
) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "loadgen", "drive", "--target", str(address)),
        env={**os.environ, "LAB_PORT": str(unused_tcp_port)},
    )
    try:
        await until(lambda: lab.has_more_requests_than(0))
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
        load = ContinuousLoad(techniques=["caching", "pagination"], pause=0, slot_seconds=0.1)
        async with running(address, load):
            # The first round draws the inputs of both techniques and keeps them.
            await until(lambda: len(lab.slots) > len(slots(load, 0)), 60)
            for more in (1000, 6000):
                wanted = lab.requests.total() + more
                await until(partial(lab.has_more_requests_than, wanted), 60)
                gc.collect()
                sizes.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    # The number of histogram buckets in use varies. A list of latencies would grow by at least
    # 24 bytes for each of the 6000 requests.
    assert sizes[1] - sizes[0] < 6000 * 20, sizes
