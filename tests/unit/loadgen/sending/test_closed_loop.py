"""Closed-loop runs: clients, pauses, stages, failures and lags."""

from loadgen.sending.attack import Attack, ClosedLoop
from loadgen.sending.connection import Address
from loadgen.sending.pacer import parse_stages
from tests.unit.loadgen.sending.conftest import Service, requests


async def test_each_client_has_one_connection_and_one_request_at_a_time(
    address: Address, service: Service
) -> None:
    await Attack(ClosedLoop(3), 0.1).run(address, requests(address, 5))
    assert len(set(service.ports)) == 3
    assert service.maximum_active == 3


async def test_latencies_are_at_least_those_of_the_server_and_at_most_the_block(
    address: Address, service: Service
) -> None:
    result = await Attack(ClosedLoop(3), 0.1).run(address, requests(address, 1))
    assert result.latencies.quantile(0.001) >= service.seconds * 0.9
    assert result.latencies.maximum <= result.seconds * 1.001


async def test_clients_pause_between_their_requests(address: Address, service: Service) -> None:
    result = await Attack(ClosedLoop(2, pause=0.1), 0.3).run(address, requests(address, 1))
    assert 2 < result.sent <= 2 * 3
    assert result.answered == len(service.targets)


async def test_clients_do_not_pause_by_default(address: Address) -> None:
    assert ClosedLoop(1).pause == 0
    result = await Attack(ClosedLoop(1), 0.2).run(address, requests(address, 1))
    assert result.sent > 10, "one request takes little more than 1 ms"


async def test_each_stage_has_its_number_of_clients(address: Address, service: Service) -> None:
    attack = Attack.staged(ClosedLoop(1), parse_stages("100ms:1,100ms:4,100ms:2"))
    result = await attack.run(address, requests(address, 1))
    assert len(set(service.ports[:3])) == 1
    assert len(set(service.ports)) == service.maximum_active == 4
    assert len(set(service.ports[-3:])) <= 2
    assert result.answered == len(service.targets)
    assert result.seconds >= 0.3


async def test_a_refused_connection_is_retried_after_a_pause(unused_tcp_port: int) -> None:
    address = Address("127.0.0.1", unused_tcp_port)
    result = await Attack(ClosedLoop(2), 0.5).run(address, requests(address, 1))
    assert result.answered == 0
    assert 4 <= result.errors == result.sent <= 2 * 11
    assert result.first_error.startswith("cannot connect to http://127.0.0.1:")


async def test_a_silent_server_makes_each_request_time_out(silent: Address) -> None:
    attack = Attack(ClosedLoop(2), duration=0.01, timeout=0.05)
    result = await attack.run(silent, requests(silent, 1))
    assert (result.sent, result.errors) == (2, 2)
    assert result.first_error == "no response before the timeout"
    assert 0.05 <= result.seconds < 10


async def test_a_blocked_event_loop_shows_in_the_lags(address: Address, service: Service) -> None:
    service.blocking_seconds = 0.1
    result = await Attack(ClosedLoop(1), 0.01).run(address, requests(address, 1))
    # Every missed tick of 10 ms counts; the first missed tick has the largest lag.
    assert 0.08 <= result.lags.maximum <= result.seconds * 1.001
    assert result.lags.count >= 10
