"""The simulated network: clients share its rate, and no response is faster than computed."""

import asyncio
from collections.abc import AsyncIterator
from time import perf_counter
from typing import Any

import pytest
import uvloop
from aiohttp import web
from pytest_aiohttp import AiohttpServer

from loadgen.sending.attack import Attack, ClosedLoop, LoadResult, OpenLoop
from loadgen.sending.connection import Address, encode_request
from loadgen.sending.network_link import LinkQueue, LinkSimulation, NetworkLink
from tests.conftest import until

#: 100 KB at 10 Mbit/s.
SIZE = 100_000
RATE = "10mbit"
COMPUTED = 8 * SIZE / 10e6
#: Allows for the bytes of the head and for the width of histogram buckets.
TOLERANCE = 1.2


def test_a_link_is_parsed_from_rate_and_latency() -> None:
    assert NetworkLink.parse("10mbit", "20ms") == NetworkLink(10e6, 0.02)
    assert NetworkLink.parse("512kbit") == NetworkLink(512e3, 0.0)
    assert NetworkLink(512e3).latency_seconds == 0


@pytest.mark.parametrize(
    ("rate", "latency"), [("0mbit", "0ms"), ("fast", "0ms"), ("10mbit", "soon"), ("10", "0ms")]
)
def test_an_unusable_link_is_refused(rate: str, latency: str) -> None:
    with pytest.raises(ValueError, match=r"carries nothing|is no"):
        NetworkLink.parse(rate, latency)


@pytest.mark.parametrize("bits_per_second", [0, -1, float("inf"), float("nan")])
def test_a_link_needs_a_finite_rate(bits_per_second: float) -> None:
    with pytest.raises(ValueError, match="carries nothing: use a rate above 0"):
        NetworkLink(bits_per_second)
    assert NetworkLink(0.5).bits_per_second == 0.5


def test_a_byte_takes_eight_bits_of_the_rate_and_the_latency_follows() -> None:
    queue = LinkQueue(NetworkLink(8000.0, 0.5))  # 1 ms per byte
    queue.add(250, now=10.0)
    assert queue.delivery_instant == 10.75
    queue.add(250, now=10.125)
    assert queue.delivery_instant == 11.0


def test_an_idle_queue_starts_at_the_present() -> None:
    queue = LinkQueue(NetworkLink(8000.0))
    queue.add(250, now=0.5)
    assert queue.delivery_instant == 0.75
    queue.add(250, now=5.0)
    assert queue.delivery_instant == 5.25


def test_a_queue_of_more_than_20_ms_is_too_long_until_half_of_it_is_left() -> None:
    queue = LinkQueue(NetworkLink(8000.0))
    queue.add(1000, now=0.0)
    assert not queue.is_too_long(now=1.0 - 0.0195)
    assert queue.is_too_long(now=1.0 - 0.0205)
    assert queue.seconds_until_resumption(now=0.5) == pytest.approx(0.49)
    assert queue.seconds_until_resumption(now=0.995) == 0


async def answer(request: web.Request) -> web.Response:
    return web.Response(body=bytes(int(request.query["size"])))


@pytest.fixture
async def address(aiohttp_server: AiohttpServer) -> Address:
    application = web.Application()
    application.router.add_get("/", answer)
    server = await aiohttp_server(application)
    assert server.port is not None
    return Address("127.0.0.1", server.port)


async def measured(
    address: Address, link: NetworkLink, clients: int = 1, size: int = SIZE, timeout: float = 30
) -> LoadResult:
    """Send one request per client."""
    attack = Attack(ClosedLoop(clients), 0.001, timeout, link)
    return await attack.run(address, [encode_request(address, f"/?size={size}", {})])


async def test_a_body_takes_the_time_of_its_bytes_and_the_latency(address: Address) -> None:
    result = await measured(address, NetworkLink.parse(RATE, "20ms"))
    (latency,) = [seconds for seconds, _ in result.latencies.buckets()]
    assert COMPUTED + 0.02 <= latency < TOLERANCE * (COMPUTED + 0.02) + 0.5
    assert result.body_bytes == SIZE


async def test_a_small_response_takes_the_latency_of_the_link(address: Address) -> None:
    result = await measured(address, NetworkLink.parse("1gbit", "50ms"), size=1)
    assert result.latencies.quantile(0.01) >= 0.05


async def test_clients_share_the_link(address: Address) -> None:
    result = await measured(address, NetworkLink.parse(RATE), clients=4)
    assert 4 * COMPUTED <= result.seconds < TOLERANCE * 4 * COMPUTED + 0.5
    # The last response waits for all others.
    assert result.latencies.maximum >= 4 * COMPUTED * 0.95


async def test_throughput_does_not_exceed_the_rate_of_the_link(address: Address) -> None:
    attack = Attack(OpenLoop(100), 0.5, link=NetworkLink.parse(RATE))
    result = await attack.run(address, [encode_request(address, "/?size=12500", {})])
    assert result.answered == 50
    # The bodies alone need 10 ms each, the whole rate of the link. The heads come on top.
    assert result.seconds >= 0.5
    assert 8 * result.body_bytes / result.seconds <= 10e6


def test_a_link_is_equally_exact_under_uvloop() -> None:
    async def run() -> LoadResult:
        application = web.Application()
        application.router.add_get("/", answer)
        runner = web.AppRunner(application, access_log=None)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            address = Address("127.0.0.1", runner.addresses[0][1])
            return await measured(address, NetworkLink.parse(RATE, "20ms"), size=10 * SIZE)
        finally:
            await runner.cleanup()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        result = runner.run(run())
    assert 10 * COMPUTED + 0.02 <= result.latencies.maximum < TOLERANCE * 10 * COMPUTED + 0.5


async def test_a_response_that_ends_with_its_connection_passes_the_link() -> None:
    async def conversation(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n" + bytes(SIZE))
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(conversation, "127.0.0.1", 0)
    address = Address(*server.sockets[0].getsockname())
    result = await measured(address, NetworkLink.parse(RATE))
    assert (result.errors, result.body_bytes) == (0, SIZE)
    assert result.latencies.maximum >= COMPUTED
    server.close()
    await server.wait_closed()


async def test_a_response_that_times_out_on_the_link_is_one_error_and_not_delivered(
    address: Address,
) -> None:
    result = await measured(address, NetworkLink.parse("1gbit", "1m"), size=1, timeout=0.05)
    assert (result.sent, result.answered, result.errors) == (1, 0, 1)
    assert result.first_error == "no response before the timeout"
    assert result.seconds < 30


class FakeTransport(asyncio.Transport):
    """Records whether reading is paused, and how often it was paused."""

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
async def link() -> AsyncIterator[LinkSimulation]:
    link = LinkSimulation(NetworkLink(8e6))  # 1 µs per byte
    yield link
    link.close()


async def test_reading_pauses_while_a_connection_is_far_ahead_of_the_link(
    link: LinkSimulation,
) -> None:
    begin = perf_counter()
    transport = FakeTransport()
    link.receive(1000, transport)
    assert not transport.paused
    link.receive(100_000, transport)
    assert transport.paused
    await until(lambda: not transport.paused)
    # Reading resumes shortly before the link is idle.
    assert perf_counter() - begin >= 0.101 - 0.02
    assert transport.pauses == 1


async def test_reading_resumes_on_all_paused_connections_except_closed_ones(
    link: LinkSimulation,
) -> None:
    transports = [FakeTransport(), FakeTransport(), FakeTransport()]
    for transport in transports:
        link.receive(30_000, transport)
    transports[1].closed = True
    await until(lambda: not transports[2].paused)
    assert [transport.paused for transport in transports] == [False, True, False]


async def test_responses_are_delivered_in_order_and_never_early(link: LinkSimulation) -> None:
    delivered: list[tuple[str, float]] = []

    def deliver(name: str) -> Any:
        return lambda: delivered.append((name, perf_counter()))

    begin = perf_counter()
    for name in "abc":
        link.receive(10_000, FakeTransport())
        link.call_when_delivered(deliver(name))
    await until(lambda: len(delivered) == 3)
    assert [name for name, _ in delivered] == ["a", "b", "c"]
    for number, (_, instant) in enumerate(delivered, start=1):
        assert instant - begin >= number * 0.01


async def test_an_idle_link_does_not_save_up_capacity(link: LinkSimulation) -> None:
    await asyncio.sleep(0.05)
    delivered: list[float] = []
    begin = perf_counter()
    link.receive(10_000, FakeTransport())
    link.call_when_delivered(lambda: delivered.append(perf_counter()))
    await until(lambda: bool(delivered))
    assert delivered[0] - begin >= 0.01
