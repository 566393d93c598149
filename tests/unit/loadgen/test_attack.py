"""Closed-loop load: what was sent is what the server saw, and each answer is counted once."""

import asyncio
from collections import Counter

import pytest
from aiohttp import web
from pytest_aiohttp import AiohttpServer

from loadgen.attack import Attack, Tally
from loadgen.connection import Address, encode_request


class Service:
    """Counts who asks for what, and how many do at a time."""

    def __init__(self) -> None:
        self.targets: list[str] = []
        self.ports: set[int] = set()
        self.active = 0
        self.most_active = 0
        self.statuses: Counter[int] = Counter()
        self.failing_every = 0

    async def handle(self, request: web.Request) -> web.Response:
        assert request.transport is not None
        self.ports.add(request.transport.get_extra_info("peername")[1])
        self.targets.append(request.path_qs)
        self.active += 1
        self.most_active = max(self.most_active, self.active)
        await asyncio.sleep(0.001)
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


async def test_what_was_counted_is_what_the_server_saw(
    aiohttp_server: AiohttpServer, service: Service
) -> None:
    address = await service.start(aiohttp_server)
    tally = await Attack(concurrency=3, duration=0.1).run(address, requests(address, 5))
    assert len(tally.latencies) == len(service.targets) > 3
    assert tally.errors == 0
    assert tally.body_bytes == 5 * len(service.targets)
    assert all(latency > 0 for latency in tally.latencies)


async def test_each_client_has_one_connection_and_one_request_at_a_time(
    aiohttp_server: AiohttpServer, service: Service
) -> None:
    address = await service.start(aiohttp_server)
    await Attack(concurrency=3, duration=0.1).run(address, requests(address, 5))
    assert len(service.ports) == 3
    assert service.most_active == 3


async def test_no_request_is_cut_short(aiohttp_server: AiohttpServer, service: Service) -> None:
    address = await service.start(aiohttp_server)
    tally = await Attack(concurrency=3, duration=0.05).run(address, requests(address, 1))
    assert service.active == 0
    assert tally.seconds >= 0.05
    assert tally.seconds >= max(tally.latencies)
    assert tally.requests_per_second == len(tally.latencies) / tally.seconds


async def test_requests_are_sent_round_and_round(
    aiohttp_server: AiohttpServer, service: Service
) -> None:
    address = await service.start(aiohttp_server)
    await Attack(concurrency=1, duration=0.1).run(address, requests(address, 3))
    assert service.targets[:7] == ["/0", "/1", "/2", "/0", "/1", "/2", "/0"]


@pytest.mark.parametrize(("first", "begun"), [(2, "/2"), (3, "/0"), (64, "/1")])
async def test_a_block_may_begin_further_on(
    aiohttp_server: AiohttpServer, service: Service, first: int, begun: str
) -> None:
    address = await service.start(aiohttp_server)
    await Attack(concurrency=1, duration=0.02).run(address, requests(address, 3), first)
    assert service.targets[0] == begun


async def test_an_answer_other_than_success_is_an_error_and_no_latency(
    aiohttp_server: AiohttpServer, service: Service
) -> None:
    service.failing_every = 3
    address = await service.start(aiohttp_server)
    tally = await Attack(concurrency=2, duration=0.1).run(address, requests(address, 1))
    assert tally.errors == service.statuses[503] > 0
    assert len(tally.latencies) == service.statuses[200]
    assert tally.first_error == "status 503"
    assert tally.body_bytes == 5 * service.statuses[200]


async def test_nobody_listening_makes_errors_without_a_rush(unused_tcp_port: int) -> None:
    address = Address("127.0.0.1", unused_tcp_port)
    tally = await Attack(concurrency=2, duration=0.1).run(address, requests(address, 1))
    assert len(tally.latencies) == 0
    assert 2 <= tally.errors <= 6
    assert tally.first_error.startswith("cannot connect to http://127.0.0.1:")


async def test_a_server_that_never_answers_makes_errors(aiohttp_server: AiohttpServer) -> None:
    async def silent(request: web.Request) -> web.Response:
        await asyncio.Event().wait()
        return web.Response()

    application = web.Application()
    application.router.add_get("/0", silent)
    server = await aiohttp_server(application)
    assert server.port is not None
    address = Address("127.0.0.1", server.port)
    attack = Attack(concurrency=2, duration=0.01, timeout=0.05)
    tally = await attack.run(address, requests(address, 1))
    assert (tally.errors, tally.first_error) == (2, "no answer in time")


def test_a_tally_keeps_the_first_reason_of_all_failures() -> None:
    tally = Tally()
    for reason in ("first", "second"):
        tally.failed(reason)
    assert (tally.errors, tally.first_error) == (2, "first")
    assert tally.requests_per_second == 0
