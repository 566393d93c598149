"""A slow network: bytes take their time, together for all clients, and never less than computed."""

import asyncio
from collections.abc import AsyncIterator
from time import perf_counter
from typing import Any

import pytest
import uvloop
from aiohttp import web
from pytest_aiohttp import AiohttpServer

from loadgen.sending.attack import Attack, ClosedLoop, OpenLoop, Tally
from loadgen.sending.connection import Address, encode_request
from loadgen.sending.link import Line, Link
from tests.conftest import until

#: 100 KB at 10 Mbit/s.
SIZE = 100_000
RATE = "10mbit"
COMPUTED = 8 * SIZE / 10e6
#: Bytes of a head, and what a histogram's buckets add.
GENEROUS = 1.2


@pytest.mark.parametrize(
    ("rate", "latency", "link"),
    [("10mbit", "20ms", Link(10e6, 0.02)), ("512kbit", "0ms", Link(512e3))],
)
def test_a_link_is_read_from_rate_and_latency(rate: str, latency: str, link: Link) -> None:
    assert Link.parse(rate, latency) == link


@pytest.mark.parametrize(
    ("rate", "latency"), [("0mbit", "0ms"), ("fast", "0ms"), ("10mbit", "soon"), ("10", "0ms")]
)
def test_what_is_no_link_is_refused(rate: str, latency: str) -> None:
    with pytest.raises(ValueError, match=r"carries nothing|is no "):
        Link.parse(rate, latency)


async def answer(request: web.Request) -> web.Response:
    return web.Response(body=bytes(int(request.query["size"])))


@pytest.fixture
async def address(aiohttp_server: AiohttpServer) -> Address:
    application = web.Application()
    application.router.add_get("/", answer)
    server = await aiohttp_server(application)
    assert server.port is not None
    return Address("127.0.0.1", server.port)


async def attacked(
    address: Address, link: Link, clients: int = 1, size: int = SIZE, timeout: float = 30
) -> Tally:
    """One request of each client."""
    attack = Attack(ClosedLoop(clients), 0.001, timeout, link)
    return await attack.run(address, [encode_request(address, f"/?size={size}", {})])


async def test_a_body_takes_the_time_of_its_bytes_and_the_latency(address: Address) -> None:
    tally = await attacked(address, Link.parse(RATE, "20ms"))
    (latency,) = [seconds for seconds, _ in tally.latencies.buckets()]
    assert COMPUTED + 0.02 <= latency < GENEROUS * (COMPUTED + 0.02) + 0.5
    assert tally.body_bytes == SIZE


async def test_a_small_answer_takes_its_latency(address: Address) -> None:
    tally = await attacked(address, Link.parse("1gbit", "50ms"), size=1)
    assert tally.latencies.quantile(0.01) >= 0.05


async def test_clients_share_the_link(address: Address) -> None:
    tally = await attacked(address, Link.parse(RATE), clients=4)
    assert 4 * COMPUTED <= tally.seconds < GENEROUS * 4 * COMPUTED + 0.5
    # Whoever is served last waits for all the others.
    assert tally.latencies.maximum >= 4 * COMPUTED * 0.95


async def test_no_more_comes_through_than_the_link_carries(address: Address) -> None:
    attack = Attack(OpenLoop(100), 0.5, link=Link.parse(RATE))
    tally = await attack.run(address, [encode_request(address, "/?size=12500", {})])
    assert tally.answered == 50
    # Ten milliseconds each is just what there is; heads come on top.
    assert tally.seconds >= 0.5
    assert 8 * tally.body_bytes / tally.seconds <= 10e6


def test_a_link_is_as_exact_under_uvloop() -> None:
    async def run() -> Tally:
        application = web.Application()
        application.router.add_get("/", answer)
        runner = web.AppRunner(application, access_log=None)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            address = Address("127.0.0.1", runner.addresses[0][1])
            return await attacked(address, Link.parse(RATE, "20ms"), size=10 * SIZE)
        finally:
            await runner.cleanup()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        tally = runner.run(run())
    assert 10 * COMPUTED + 0.02 <= tally.latencies.maximum < GENEROUS * 10 * COMPUTED + 0.5


async def test_an_answer_that_ends_with_its_connection_comes_over_the_link_too() -> None:
    async def conversation(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n" + bytes(SIZE))
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(conversation, "127.0.0.1", 0)
    address = Address(*server.sockets[0].getsockname())
    tally = await attacked(address, Link.parse(RATE))
    assert (tally.errors, tally.body_bytes) == (0, SIZE)
    assert tally.latencies.maximum >= COMPUTED
    server.close()
    await server.wait_closed()


async def test_what_is_given_up_on_the_link_is_one_error_and_never_delivered(
    address: Address,
) -> None:
    tally = await attacked(address, Link.parse("1gbit", "1m"), size=1, timeout=0.05)
    assert (tally.sent, tally.answered, tally.errors) == (1, 0, 1)
    assert tally.first_error == "no answer in time"
    assert tally.seconds < 30


class Reading(asyncio.Transport):
    """Whether it is read from, and how often that was changed."""

    def __init__(self) -> None:
        super().__init__()
        self.paused = False
        self.pauses = 0
        self.closed = False

    def pause_reading(self) -> None:
        assert not self.paused
        self.paused = True
        self.pauses += 1

    def resume_reading(self) -> None:
        assert self.paused
        self.paused = False

    def is_closing(self) -> bool:
        return self.closed


@pytest.fixture
async def line() -> AsyncIterator[Line]:
    line = Line(Link(8e6))  # a byte takes a microsecond
    yield line
    line.close()


async def test_what_is_far_ahead_of_the_link_is_not_read_from(line: Line) -> None:
    begin = perf_counter()
    transport = Reading()
    line.carry(1000, transport)
    assert not transport.paused
    line.carry(100_000, transport)
    assert transport.paused
    await until(lambda: not transport.paused)
    # Before the link is idle, and not long before it.
    assert perf_counter() - begin >= 0.101 - 0.02
    assert transport.pauses == 1


async def test_all_who_were_paused_are_read_from_again_but_the_closed(line: Line) -> None:
    transports = [Reading(), Reading(), Reading()]
    for transport in transports:
        line.carry(30_000, transport)
    transports[1].closed = True
    await until(lambda: not transports[2].paused)
    assert [transport.paused for transport in transports] == [False, True, False]


async def test_deliveries_are_in_order_and_never_early(line: Line) -> None:
    delivered: list[tuple[str, float]] = []

    def deliver(name: str) -> Any:
        return lambda: delivered.append((name, perf_counter()))

    begin = perf_counter()
    for name in "abc":
        line.carry(10_000, Reading())
        line.deliver(deliver(name))
    await until(lambda: len(delivered) == 3)
    assert [name for name, _ in delivered] == ["a", "b", "c"]
    for number, (_, instant) in enumerate(delivered, start=1):
        assert instant - begin >= number * 0.01


async def test_a_line_that_was_idle_saves_nothing_up(line: Line) -> None:
    await asyncio.sleep(0.05)
    delivered: list[float] = []
    begin = perf_counter()
    line.carry(10_000, Reading())
    line.deliver(lambda: delivered.append(perf_counter()))
    await until(lambda: bool(delivered))
    assert delivered[0] - begin >= 0.01
