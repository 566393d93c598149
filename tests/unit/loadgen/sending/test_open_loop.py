"""Open-loop runs: rates, stages, connections and the queue for a free connection."""

import asyncio
import tracemalloc

import pytest

from loadgen.sending.attack import Attack, OpenLoop
from loadgen.sending.connection import Address
from loadgen.sending.pacer import Stage, instants, parse_stages
from tests.conftest import until
from tests.unit.loadgen.sending.conftest import Service, requests


@pytest.mark.parametrize(("rate", "seconds", "count"), [(100, 0.2, 20), (0.5, 0.1, 1)])
async def test_a_run_sends_its_rate_for_its_duration(
    address: Address, rate: float, seconds: float, count: int
) -> None:
    result = await Attack(OpenLoop(rate), seconds).run(address, requests(address, 1))
    assert result.sent == result.answered == result.lags.count == count
    assert result.seconds >= seconds
    assert 0.0009 <= result.latencies.maximum <= result.seconds * 1.001
    assert result.lags.maximum <= result.latencies.maximum * 1.001


async def test_each_stage_has_its_rate(address: Address) -> None:
    attack = Attack.staged(OpenLoop(1), parse_stages("100ms:100,50ms:400"))
    result = await attack.run(address, requests(address, 1))
    assert result.sent == 10 + 20
    assert result.seconds >= 0.15


async def test_poisson_arrivals_depend_on_the_seed(address: Address) -> None:
    for seed in (1, 2):
        expected = len(list(instants([Stage(0.2, 100)], "poisson", seed)))
        attack = Attack(OpenLoop(100, "poisson", seed), 0.2)
        assert (await attack.run(address, requests(address, 1))).sent == expected


def test_arrivals_are_constant_with_seed_0_by_default() -> None:
    load = OpenLoop(1)
    assert (load.arrivals, load.seed, load.maximum_connections) == ("constant", 0, 1024)


async def test_a_refused_connection_is_an_error_for_each_request(unused_tcp_port: int) -> None:
    address = Address("127.0.0.1", unused_tcp_port)
    result = await Attack(OpenLoop(100), 0.1).run(address, requests(address, 1))
    assert (result.sent, result.errors) == (10, 10)
    assert result.first_error.startswith("cannot connect to http://127.0.0.1:")


async def test_connections_are_opened_when_needed_and_reused(
    address: Address, service: Service
) -> None:
    service.seconds = 0.5
    await Attack(OpenLoop(100), 0.1).run(address, requests(address, 1))
    assert len(set(service.ports)) == 10
    service.ports.clear()
    service.seconds = 0
    result = await Attack(OpenLoop(20), 0.5).run(address, requests(address, 1))
    assert len(set(service.ports)) < result.sent == 10


async def test_queued_requests_count_their_latency_from_the_intended_instant(
    address: Address, service: Service
) -> None:
    service.seconds = 0.02
    attack = Attack(OpenLoop(1000, maximum_connections=2), 0.02)
    result = await attack.run(address, requests(address, 1))
    assert result.answered == len(service.targets) == 20
    assert len(set(service.ports)) == service.maximum_active == 2
    # Two connections need ten rounds. The last request has queued for nine of them.
    assert result.seconds >= 10 * 0.02 * 0.95
    assert result.latencies.maximum >= 9 * 0.02 * 0.95
    assert result.latencies.quantile(0.5) >= 4 * 0.02 * 0.95
    assert result.lags.maximum >= 8 * 0.02 * 0.95


async def test_queued_requests_fail_at_their_deadline(silent: Address) -> None:
    attack = Attack(OpenLoop(1000, maximum_connections=1), 0.05, timeout=0.1)
    result = await attack.run(silent, requests(silent, 1))
    assert (result.sent, result.errors, result.answered) == (50, 50, 0)
    assert result.first_error == "no response before the timeout"
    assert result.seconds >= 0.1


async def test_a_failed_request_frees_its_connection_for_the_queue(
    address: Address, service: Service
) -> None:
    service.seconds = 0.3
    attack = Attack(OpenLoop(20, maximum_connections=1), 0.1, timeout=0.2)
    block = asyncio.create_task(attack.run(address, requests(address, 1)))
    await until(lambda: service.active == 1)
    service.seconds = 0.0
    result = await block
    assert (result.sent, result.errors, result.answered) == (2, 1, 1)


async def test_memory_does_not_grow_with_the_queue(silent: Address) -> None:
    attack = Attack(OpenLoop(400_000, maximum_connections=1), 0.25, timeout=0.3)
    encoded = requests(silent, 1)
    tracemalloc.start()
    try:
        result = await attack.run(silent, encoded)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert result.sent == result.errors == 100_000
    # One stored float per queued request would take three times as much.
    assert peak < 800_000


def test_a_load_without_connections_is_refused() -> None:
    with pytest.raises(ValueError, match="needs at least one connection"):
        OpenLoop(1, maximum_connections=0)
    assert OpenLoop(1, maximum_connections=1).maximum_connections == 1
