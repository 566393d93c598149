"""Attacks with every kind of load: the server receives what was sent, each outcome counts once."""

import asyncio
from collections import Counter

import pytest

from loadgen.sending.attack import Attack, ClosedLoop, OpenLoop
from loadgen.sending.connection import Address
from loadgen.sending.pacer import parse_stages
from tests.conftest import until
from tests.unit.loadgen.sending.conftest import EACH_LOAD, Service, requests


@EACH_LOAD
async def test_the_result_counts_the_requests_that_the_server_received(
    address: Address, service: Service, load: ClosedLoop | OpenLoop
) -> None:
    result = await Attack(load, 0.1).run(address, requests(address, 5))
    assert result.sent == result.answered == result.latencies.count == len(service.targets) > 3
    assert (result.errors, result.first_error) == (0, "")
    assert result.body_bytes == 5 * len(service.targets)
    assert result.latencies.quantile(0.001) >= service.seconds * 0.9
    assert result.latencies.maximum <= result.seconds * 1.001


@EACH_LOAD
async def test_a_block_waits_for_its_last_response(
    address: Address, service: Service, load: ClosedLoop | OpenLoop
) -> None:
    service.seconds = 0.05
    result = await Attack(load, 0.02).run(address, requests(address, 1))
    assert service.active == 0
    assert result.answered == result.sent > 0
    assert result.seconds >= 0.05
    assert result.requests_per_second == result.answered / result.seconds


@EACH_LOAD
async def test_a_block_sends_the_requests_in_a_cycle(
    address: Address, service: Service, load: ClosedLoop | OpenLoop
) -> None:
    await Attack(load, 0.1).run(address, requests(address, 3))
    sent = Counter(service.targets)
    assert set(sent) == {"/0", "/1", "/2"}
    assert max(sent.values()) - min(sent.values()) <= 1


@pytest.mark.parametrize("load", [ClosedLoop(1), OpenLoop(100, maximum_connections=1)])
@pytest.mark.parametrize(("first", "target"), [(2, "/2"), (3, "/0"), (64, "/1")])
async def test_a_block_starts_with_the_request_of_the_given_index(
    address: Address, service: Service, load: ClosedLoop | OpenLoop, first: int, target: str
) -> None:
    await Attack(load, 0.02).run(address, requests(address, 3), first)
    assert service.targets[0] == target


@EACH_LOAD
async def test_a_status_other_than_2xx_is_an_error_without_a_latency(
    address: Address, service: Service, load: ClosedLoop | OpenLoop
) -> None:
    service.failing_every = 3
    result = await Attack(load, 0.1).run(address, requests(address, 1))
    assert result.errors == service.statuses[503] > 0
    assert result.answered == result.latencies.count == service.statuses[200]
    assert result.sent == result.answered + result.errors
    assert result.first_error == "status 503"
    assert result.body_bytes == 5 * service.statuses[200]


@EACH_LOAD
async def test_a_cancelled_block_sends_no_more_requests(
    address: Address, service: Service, load: ClosedLoop | OpenLoop
) -> None:
    service.seconds = 30
    block = asyncio.create_task(Attack(load, 30).run(address, requests(address, 1)))
    await until(lambda: service.active >= 3)
    block.cancel()
    await asyncio.gather(block, return_exceptions=True)
    service.seconds = 0.001
    others = requests(address, 2)[1:]
    await Attack(ClosedLoop(1), 0.02).run(address, others)
    sent = service.targets.count("/0")  # requests that were in flight have arrived by now
    await Attack(ClosedLoop(1), 0.05).run(address, others)
    assert service.targets.count("/0") == sent


@EACH_LOAD
async def test_even_a_short_block_records_lags(
    address: Address, load: ClosedLoop | OpenLoop
) -> None:
    result = await Attack(load, 0.02).run(address, requests(address, 1))
    assert result.lags.count > 0


@pytest.mark.parametrize(
    ("load", "duration", "message"),
    [
        (OpenLoop(0), 1, "a stage cannot have 0 requests per second or clients"),
        (OpenLoop(-1), 1, "a stage cannot have -1 requests per second or clients"),
        (OpenLoop(float("nan")), 1, "a stage cannot have nan requests"),
        (ClosedLoop(0), 1, "a stage cannot have 0 requests"),
        (ClosedLoop(1), 0, "a stage cannot last 0 s"),
        (OpenLoop(1), float("inf"), "a stage cannot last inf s"),
    ],
)
def test_a_load_that_sends_nothing_is_refused(
    load: ClosedLoop | OpenLoop, duration: float, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Attack(load, duration)


def test_half_a_client_is_refused() -> None:
    with pytest.raises(ValueError, match=r"a closed loop cannot have 0\.5 clients"):
        Attack.staged(ClosedLoop(1), parse_stages("1s:0.5"))


def test_the_duration_of_an_attack_is_the_sum_of_its_stages() -> None:
    assert Attack.staged(OpenLoop(1), parse_stages("10s:1,1m:2")).duration == 70


def test_a_request_has_thirty_seconds_by_default() -> None:
    assert Attack(OpenLoop(1), 1).timeout == 30
    assert Attack.staged(OpenLoop(1), parse_stages("1s:1")).timeout == 30
