"""Blocks of load: what was sent is what the server saw, and each answer is counted once."""

import asyncio
import time
import tracemalloc
from collections import Counter

import pytest
from aiohttp import web
from pytest_aiohttp import AiohttpServer

from loadgen.sending.attack import Attack, ClosedLoop, OpenLoop, Tally
from loadgen.sending.connection import Address, RequestFailed, Response, encode_request
from loadgen.sending.pacer import Stage, instants, parse_stages
from tests.conftest import until


class Service:
    """Counts who asks for what, and how many do at a time."""

    def __init__(self) -> None:
        self.targets: list[str] = []
        self.ports: list[int] = []
        self.active = 0
        self.most_active = 0
        self.statuses: Counter[int] = Counter()
        self.failing_every = 0
        self.seconds = 0.001
        self.blocking_seconds = 0.0

    async def handle(self, request: web.Request) -> web.Response:
        assert request.transport is not None
        self.ports.append(request.transport.get_extra_info("peername")[1])
        self.targets.append(request.path_qs)
        self.active += 1
        self.most_active = max(self.most_active, self.active)
        time.sleep(self.blocking_seconds)  # noqa: ASYNC251 - a stall is the point
        await asyncio.sleep(self.seconds)
        self.active -= 1
        failing = self.failing_every and len(self.targets) % self.failing_every == 0
        status = 503 if failing else 200
        self.statuses[status] += 1
        return web.Response(status=status, body=b"12345")

    async def start(self, aiohttp_server: AiohttpServer) -> Address:
        application = web.Application()
        application.router.add_get("/{path:.*}", self.handle)
        server = await aiohttp_server(application)
        assert server.port is not None
        return Address("127.0.0.1", server.port)


def requests(address: Address, count: int) -> list[bytes]:
    return [encode_request(address, f"/{number}", {}) for number in range(count)]


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
async def address(aiohttp_server: AiohttpServer, service: Service) -> Address:
    return await service.start(aiohttp_server)


@pytest.fixture
async def silent(aiohttp_server: AiohttpServer) -> Address:
    """Where nobody ever answers."""

    async def handle(request: web.Request) -> web.Response:
        await asyncio.Event().wait()
        return web.Response()

    application = web.Application()
    application.router.add_get("/{path:.*}", handle)
    server = await aiohttp_server(application)
    assert server.port is not None
    return Address("127.0.0.1", server.port)


BOTH = pytest.mark.parametrize("load", [ClosedLoop(3), OpenLoop(200), OpenLoop(200, "poisson")])


@BOTH
async def test_what_was_counted_is_what_the_server_saw(
    address: Address, service: Service, load: ClosedLoop | OpenLoop
) -> None:
    tally = await Attack(load, 0.1).run(address, requests(address, 5))
    assert tally.sent == tally.answered == tally.latencies.count == len(service.targets) > 3
    assert (tally.errors, tally.first_error) == (0, "")
    assert tally.body_bytes == 5 * len(service.targets)
    assert tally.latencies.quantile(0.001) >= service.seconds * 0.9


@BOTH
async def test_no_request_is_cut_short(
    address: Address, service: Service, load: ClosedLoop | OpenLoop
) -> None:
    service.seconds = 0.05
    tally = await Attack(load, 0.02).run(address, requests(address, 1))
    assert service.active == 0
    assert tally.answered == tally.sent > 0
    assert tally.seconds >= 0.05
    assert tally.requests_per_second == tally.answered / tally.seconds


@BOTH
async def test_requests_are_sent_round_and_round(
    address: Address, service: Service, load: ClosedLoop | OpenLoop
) -> None:
    await Attack(load, 0.1).run(address, requests(address, 3))
    sent = Counter(service.targets)
    assert set(sent) == {"/0", "/1", "/2"}
    assert max(sent.values()) - min(sent.values()) <= 1


@pytest.mark.parametrize("load", [ClosedLoop(1), OpenLoop(100, maximum_connections=1)])
@pytest.mark.parametrize(("first", "begun"), [(2, "/2"), (3, "/0"), (64, "/1")])
async def test_a_block_may_begin_further_on(
    address: Address, service: Service, load: ClosedLoop | OpenLoop, first: int, begun: str
) -> None:
    await Attack(load, 0.02).run(address, requests(address, 3), first)
    assert service.targets[0] == begun


@BOTH
async def test_an_answer_other_than_success_is_an_error_and_no_latency(
    address: Address, service: Service, load: ClosedLoop | OpenLoop
) -> None:
    service.failing_every = 3
    tally = await Attack(load, 0.1).run(address, requests(address, 1))
    assert tally.errors == service.statuses[503] > 0
    assert tally.answered == tally.latencies.count == service.statuses[200]
    assert tally.sent == tally.answered + tally.errors
    assert tally.first_error == "status 503"
    assert tally.body_bytes == 5 * service.statuses[200]


async def test_nobody_listening_makes_errors_without_a_rush(unused_tcp_port: int) -> None:
    address = Address("127.0.0.1", unused_tcp_port)
    tally = await Attack(ClosedLoop(2), 0.1).run(address, requests(address, 1))
    assert tally.answered == 0
    assert 2 <= tally.errors == tally.sent <= 6
    assert tally.first_error.startswith("cannot connect to http://127.0.0.1:")


async def test_nobody_listening_is_an_error_for_each_request_of_an_open_loop(
    unused_tcp_port: int,
) -> None:
    address = Address("127.0.0.1", unused_tcp_port)
    tally = await Attack(OpenLoop(100), 0.1).run(address, requests(address, 1))
    assert (tally.sent, tally.errors) == (10, 10)
    assert tally.first_error.startswith("cannot connect to http://127.0.0.1:")


async def test_a_server_that_never_answers_makes_errors(silent: Address) -> None:
    attack = Attack(ClosedLoop(2), duration=0.01, timeout=0.05)
    tally = await attack.run(silent, requests(silent, 1))
    assert (tally.sent, tally.errors, tally.first_error) == (2, 2, "no answer in time")
    assert tally.seconds >= 0.05


@BOTH
async def test_a_cancelled_block_sends_no_more(
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
    sent = service.targets.count("/0")  # what was on its way has arrived
    await Attack(ClosedLoop(1), 0.05).run(address, others)
    assert service.targets.count("/0") == sent


# Closed loop


async def test_each_client_has_one_connection_and_one_request_at_a_time(
    address: Address, service: Service
) -> None:
    await Attack(ClosedLoop(3), 0.1).run(address, requests(address, 5))
    assert len(set(service.ports)) == 3
    assert service.most_active == 3


async def test_clients_pause_between_their_requests(address: Address, service: Service) -> None:
    tally = await Attack(ClosedLoop(2, pause=0.1), 0.3).run(address, requests(address, 1))
    assert 2 < tally.sent <= 2 * 3
    assert tally.answered == len(service.targets)


async def test_each_stage_of_a_closed_loop_has_its_clients(
    address: Address, service: Service
) -> None:
    attack = Attack.staged(ClosedLoop(1), parse_stages("100ms:1,100ms:4,100ms:2"))
    tally = await attack.run(address, requests(address, 1))
    assert len(set(service.ports[:3])) == 1
    assert len(set(service.ports)) == service.most_active == 4
    assert len(set(service.ports[-3:])) <= 2
    assert tally.answered == len(service.targets)
    assert tally.seconds >= 0.3


async def test_a_closed_loop_knows_how_late_its_event_loop_was(
    address: Address, service: Service
) -> None:
    service.blocking_seconds = 0.1
    tally = await Attack(ClosedLoop(1), 0.01).run(address, requests(address, 1))
    # Every tick of ten milliseconds that was missed is late, the first by the most.
    assert tally.lags.maximum >= 0.08
    assert tally.lags.count >= 10


@BOTH
async def test_a_block_that_is_over_at_once_has_its_lags(
    address: Address, load: ClosedLoop | OpenLoop
) -> None:
    tally = await Attack(load, 0.02).run(address, requests(address, 1))
    assert tally.lags.count > 0


# Open loop


@pytest.mark.parametrize(("rate", "seconds", "count"), [(100, 0.2, 20), (0.5, 0.1, 1)])
async def test_an_open_loop_sends_its_rate_and_lasts_its_time(
    address: Address, rate: float, seconds: float, count: int
) -> None:
    tally = await Attack(OpenLoop(rate), seconds).run(address, requests(address, 1))
    assert tally.sent == tally.answered == tally.lags.count == count
    assert tally.seconds >= seconds


async def test_each_stage_of_an_open_loop_has_its_rate(address: Address) -> None:
    attack = Attack.staged(OpenLoop(1), parse_stages("100ms:100,50ms:400"))
    tally = await attack.run(address, requests(address, 1))
    assert tally.sent == 10 + 20
    assert tally.seconds >= 0.15


async def test_poisson_arrivals_are_those_of_the_seed(address: Address) -> None:
    for seed in (1, 2):
        expected = len(list(instants([Stage(0.2, 100)], "poisson", seed)))
        attack = Attack(OpenLoop(100, "poisson", seed), 0.2)
        assert (await attack.run(address, requests(address, 1))).sent == expected


async def test_connections_are_opened_as_needed_and_used_again(
    address: Address, service: Service
) -> None:
    service.seconds = 0.5
    await Attack(OpenLoop(100), 0.1).run(address, requests(address, 1))
    assert len(set(service.ports)) == 10
    service.ports.clear()
    service.seconds = 0
    tally = await Attack(OpenLoop(20), 0.5).run(address, requests(address, 1))
    assert len(set(service.ports)) < tally.sent == 10


async def test_those_who_find_every_connection_busy_wait_in_line_and_their_latency_counts_on(
    address: Address, service: Service
) -> None:
    service.seconds = 0.02
    attack = Attack(OpenLoop(1000, maximum_connections=2), 0.02)
    tally = await attack.run(address, requests(address, 1))
    assert tally.answered == len(service.targets) == 20
    assert len(set(service.ports)) == service.most_active == 2
    # Ten rounds of two; the last has waited for nine of them since it was due.
    assert tally.seconds >= 10 * 0.02 * 0.95
    assert tally.latencies.maximum >= 9 * 0.02 * 0.95
    assert tally.latencies.quantile(0.5) >= 4 * 0.02 * 0.95
    assert tally.lags.maximum >= 8 * 0.02 * 0.95


async def test_who_waits_in_line_past_the_deadline_is_given_up(silent: Address) -> None:
    attack = Attack(OpenLoop(1000, maximum_connections=1), 0.05, timeout=0.1)
    tally = await attack.run(silent, requests(silent, 1))
    assert (tally.sent, tally.errors, tally.answered) == (50, 50, 0)
    assert tally.first_error == "no answer in time"
    assert tally.seconds >= 0.1


async def test_a_failure_frees_its_connection_for_the_next_in_line(
    address: Address, service: Service
) -> None:
    service.seconds = 0.3
    attack = Attack(OpenLoop(20, maximum_connections=1), 0.1, timeout=0.2)
    block = asyncio.create_task(attack.run(address, requests(address, 1)))
    await until(lambda: service.active == 1)
    service.seconds = 0.0
    tally = await block
    assert (tally.sent, tally.errors, tally.answered) == (2, 1, 1)


async def test_memory_does_not_grow_with_the_line(silent: Address) -> None:
    attack = Attack(OpenLoop(400_000, maximum_connections=1), 0.25, timeout=0.3)
    sending = requests(silent, 1)
    tracemalloc.start()
    try:
        tally = await attack.run(silent, sending)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert tally.sent == tally.errors == 100_000
    # Were but a float kept of each, it would be three times as much.
    assert peak < 800_000


# What is no load


@pytest.mark.parametrize(
    ("load", "duration", "complaint"),
    [
        (OpenLoop(0), 1, "a stage of 0 requests per second or clients sends none"),
        (OpenLoop(-1), 1, "a stage of -1 requests per second or clients sends none"),
        (OpenLoop(float("nan")), 1, "a stage of nan requests"),
        (ClosedLoop(0), 1, "a stage of 0 requests"),
        (ClosedLoop(1), 0, "a stage of 0 s has no length"),
        (OpenLoop(1), float("inf"), "a stage of inf s has no length"),
    ],
)
def test_what_sends_nothing_is_no_attack(
    load: ClosedLoop | OpenLoop, duration: float, complaint: str
) -> None:
    with pytest.raises(ValueError, match=complaint):
        Attack(load, duration)


def test_an_open_loop_needs_a_connection() -> None:
    with pytest.raises(ValueError, match="needs a connection"):
        OpenLoop(1, maximum_connections=0)


def test_there_is_no_half_client() -> None:
    with pytest.raises(ValueError, match=r"0\.5 is no number of clients"):
        Attack.staged(ClosedLoop(1), parse_stages("1s:0.5"))


def test_the_stages_together_are_the_attack_s_duration() -> None:
    assert Attack.staged(OpenLoop(1), parse_stages("10s:1,1m:2")).duration == 70


# The tally


def test_a_tally_keeps_the_first_reason_of_all_failures() -> None:
    tally = Tally()
    tally.count(RequestFailed("first"), 1.0)
    tally.count(Response(404, 7, b"", ""), 1.0)
    assert (tally.errors, tally.first_error, tally.answered, tally.body_bytes) == (2, "first", 0, 0)
    assert tally.requests_per_second == 0


@pytest.mark.parametrize("status", [200, 204, 299])
def test_a_success_is_counted_with_its_latency_and_its_bytes(status: int) -> None:
    tally = Tally()
    tally.count(Response(status, 7, b"", ""), 0.5)
    assert (tally.answered, tally.errors, tally.body_bytes) == (1, 0, 7)
    assert tally.latencies.maximum == pytest.approx(0.5, rel=0.001)
