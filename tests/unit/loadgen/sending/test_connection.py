"""One keep-alive connection against servers that behave, and servers that do not."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import uvloop
from aiohttp import web
from pytest_aiohttp import AiohttpServer

from loadgen.sending.connection import (
    Address,
    Connection,
    RequestFailed,
    Response,
    encode_request,
)
from tests.conftest import until

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Conversation = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Listen = Callable[[Conversation], Awaitable[Address]]
BODY = b"a body of some length"
#: No test waits for it: where nothing comes, the tests say so with a shorter one.
LONG = 30.0
SHORT = 0.05


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("http://127.0.0.1:8080", Address("127.0.0.1", 8080)),
        ("http://localhost", Address("localhost", 80)),
        ("http://localhost:8080/", Address("localhost", 8080)),
        ("http://[::1]:8080", Address("::1", 8080)),
        ("HTTP://Example.org", Address("example.org", 80)),
    ],
)
def test_an_address_is_read_from_a_url(url: str, address: Address) -> None:
    assert Address.parse(url) == address


@pytest.mark.parametrize(
    "url", ["", "localhost:8080", "https://localhost", "ftp://x", "http://", "http://h:99999"]
)
def test_what_is_no_plain_http_address_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        Address.parse(url)


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080", "http://[::1]:8080"])
def test_an_address_is_written_as_it_is_read(url: str) -> None:
    assert str(Address.parse(url)) == url


def test_a_request_is_its_line_and_its_headers() -> None:
    encoded = encode_request(Address("lab", 8080), "/path?a=1", {"Accept": "*/*"})
    assert encoded == b"GET /path?a=1 HTTP/1.1\r\nHost: lab:8080\r\nAccept: */*\r\n\r\n"


def test_a_request_may_have_a_body_whose_length_it_tells() -> None:
    encoded = encode_request(Address("lab", 80), "/", {}, "POST", b"a=1")
    assert encoded == b"POST / HTTP/1.1\r\nHost: lab:80\r\nContent-Length: 3\r\n\r\na=1"


class Peers:
    """The connections on which a server was asked, in order of asking."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self.ports: list[int] = []

    async def handle(self, request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        self.ports.append(request.transport.get_extra_info("peername")[1])
        return await self._handler(request)


async def whole(request: web.Request) -> web.StreamResponse:
    return web.Response(body=BODY)


async def chunked(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    for number in range(0, len(BODY), 5):
        await response.write(BODY[number : number + 5])
    await response.write_eof()
    return response


async def closing(request: web.Request) -> web.StreamResponse:
    response = web.Response(body=BODY)
    response.force_close()
    return response


async def empty(request: web.Request) -> web.StreamResponse:
    return web.Response(status=204)


@pytest.fixture
def serve(aiohttp_server: AiohttpServer) -> Callable[[Handler], Awaitable[Address]]:
    async def start(handler: Handler) -> Address:
        application = web.Application()
        application.router.add_get("/", handler)
        server = await aiohttp_server(application)
        assert server.port is not None
        return Address("127.0.0.1", server.port)

    return start


@pytest.fixture
async def listen() -> AsyncIterator[Listen]:
    """Serve bytes by hand: what no HTTP library would send."""
    servers: list[asyncio.Server] = []
    writers: list[asyncio.StreamWriter] = []

    async def start(conversation: Conversation) -> Address:
        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writers.append(writer)
            await conversation(reader, writer)

        server = await asyncio.start_server(accept, "127.0.0.1", 0)
        servers.append(server)
        return Address("127.0.0.1", server.sockets[0].getsockname()[1])

    yield start
    for writer in writers:
        writer.close()
    for server in servers:
        server.close()
        await server.wait_closed()


async def answers(
    address: Address, count: int, timeout: float = LONG, keep_body: bool = True
) -> list[Response]:
    """The answers to so many requests over one connection."""
    connection = Connection(address, timeout, keep_body)
    request = encode_request(address, "/", {"Accept": "*/*"})
    try:
        return [await connection.request(request) for _ in range(count)]
    finally:
        connection.close()


async def failure(address: Address, timeout: float = LONG) -> str:
    with pytest.raises(RequestFailed) as caught:
        await answers(address, 1, timeout)
    return str(caught.value)


async def test_requests_share_one_connection(
    serve: Callable[[Handler], Awaitable[Address]],
) -> None:
    peers = Peers(whole)
    await answers(await serve(peers.handle), 10)
    assert len(peers.ports) == 10
    assert len(set(peers.ports)) == 1


@pytest.mark.parametrize("handler", [whole, chunked, closing])
async def test_a_body_is_read_whole_however_it_is_framed(
    serve: Callable[[Handler], Awaitable[Address]], handler: Handler
) -> None:
    for response in await answers(await serve(handler), 3):
        assert response == Response(200, len(BODY), BODY, "")


async def test_an_answer_may_have_no_body(serve: Callable[[Handler], Awaitable[Address]]) -> None:
    assert await answers(await serve(empty), 2) == [Response(204, 0, b"", "")] * 2


async def test_a_body_that_nobody_asked_to_keep_is_counted_only(
    serve: Callable[[Handler], Awaitable[Address]],
) -> None:
    (response,) = await answers(await serve(chunked), 1, keep_body=False)
    assert (response.size, response.body) == (len(BODY), b"")


async def test_a_large_body_arrives_whole(serve: Callable[[Handler], Awaitable[Address]]) -> None:
    large = bytes(range(256)) * 20_000

    async def handler(request: web.Request) -> web.StreamResponse:
        return web.Response(body=large)

    (response,) = await answers(await serve(handler), 1)
    assert response.body == large


async def test_the_coding_of_a_body_is_told_and_not_undone(
    serve: Callable[[Handler], Awaitable[Address]],
) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        return web.Response(body=BODY, headers={"Content-Encoding": "GZip"})

    (response,) = await answers(await serve(handler), 1)
    assert (response.content_encoding, response.body) == ("gzip", BODY)


@pytest.mark.parametrize("status", [200, 404, 503])
async def test_any_status_is_an_answer(
    serve: Callable[[Handler], Awaitable[Address]], status: int
) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        return web.Response(status=status)

    (response,) = await answers(await serve(handler), 1)
    assert response.status == status


async def test_a_connection_that_the_server_closes_is_opened_anew(
    serve: Callable[[Handler], Awaitable[Address]],
) -> None:
    peers = Peers(closing)
    await answers(await serve(peers.handle), 5)
    assert len(set(peers.ports)) == 5


def test_a_connection_is_opened_anew_under_uvloop_too() -> None:
    async def requests() -> list[Response]:
        application = web.Application()
        application.router.add_get("/", closing)
        runner = web.AppRunner(application, access_log=None)
        await runner.setup()
        try:
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            return await answers(Address("127.0.0.1", runner.addresses[0][1]), 100)
        finally:
            await runner.cleanup()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert [response.status for response in runner.run(requests())] == [200] * 100


async def test_who_was_never_asked_is_not_connected_to(listen: Listen) -> None:
    accepted = []

    async def conversation(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        accepted.append(writer)

    Connection(await listen(conversation), LONG).close()
    assert accepted == []


def heard(reply: bytes, close: bool = True) -> Conversation:
    """A server that reads a request, says this, and hangs up or not."""

    async def conversation(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(reply)
        await writer.drain()
        if close:
            writer.close()

    return conversation


HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"
WHOLE = HEAD + b"1234567890"


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n",
        b"HTTP/1.0 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
    ],
)
async def test_a_body_without_a_length_ends_with_its_connection(
    listen: Listen, head: bytes
) -> None:
    """RFC 9112, section 6.3."""
    address = await listen(heard(head + BODY))
    assert await answers(address, 3) == [Response(200, len(BODY), BODY, "")] * 3


async def test_a_body_without_a_length_is_broken_off_by_a_reset(listen: Listen) -> None:
    async def conversation(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n12345")
        await writer.drain()
        at_once = struct.pack("ii", 1, 0)
        connection = writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)
        writer.transport.abort()

    message = await failure(await listen(conversation))
    assert message == "the connection was closed before the answer was complete"


@pytest.mark.parametrize(
    "interim",
    [b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"],
)
async def test_an_interim_answer_is_not_the_answer(listen: Listen, interim: bytes) -> None:
    (response,) = await answers(await listen(heard(interim + WHOLE)), 1)
    assert response == Response(200, 10, b"1234567890", "")


async def test_nothing_of_an_answer_shows_in_the_next(listen: Listen) -> None:
    replies = [
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc",
        b"HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nde\r\n0\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\n\r\n",
        WHOLE,
    ]

    async def conversation(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for reply in replies:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(reply)

    assert await answers(await listen(conversation), 4) == [
        Response(200, 3, b"abc", "gzip"),
        Response(404, 2, b"de", ""),
        Response(204, 0, b"", ""),
        Response(200, 10, b"1234567890", ""),
    ]


@pytest.mark.parametrize("surplus", [WHOLE, HEAD, b"HTTP/1.1 2"])
async def test_more_than_one_answer_to_a_request_is_none(listen: Listen, surplus: bytes) -> None:
    message = await failure(await listen(heard(WHOLE + surplus)))
    assert message == "malformed answer: more than one to a request"


async def test_what_comes_without_a_request_ends_the_connection(listen: Listen) -> None:
    goes_on = asyncio.Event()
    asked = []

    async def conversation(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(WHOLE)
        if len(asked) == 1:
            await goes_on.wait()
            writer.write(b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n")

    address = await listen(conversation)
    connection = Connection(address, LONG)
    request = encode_request(address, "/", {})
    await connection.request(request)
    goes_on.set()
    await until(lambda: not connection._caller.is_open)
    assert (await connection.request(request)).status == 200
    assert len(asked) == 2
    connection.close()


async def test_who_does_not_wait_for_the_answer_does_not_get_it_for_the_next_request(
    listen: Listen,
) -> None:
    goes_on = asyncio.Event()
    replies = iter([HEAD + b"late......", WHOLE])

    async def conversation(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reply = next(replies)
        await reader.readuntil(b"\r\n\r\n")
        asked.set()
        await goes_on.wait()
        writer.write(reply)

    asked = asyncio.Event()
    address = await listen(conversation)
    connection = Connection(address, LONG, keep_body=True)
    request = encode_request(address, "/", {})
    impatient = asyncio.create_task(connection.request(request))
    await asked.wait()
    impatient.cancel()
    await asyncio.gather(impatient, return_exceptions=True)
    goes_on.set()
    assert (await connection.request(request)).body == b"1234567890"
    connection.close()


@pytest.mark.parametrize(
    "reply",
    [
        b"",
        b"HTTP/1.1 200",
        HEAD,
        HEAD + b"12345",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 10\r\n\r\n12345",
        b"HTTP/1.0 200 OK\r\nContent-Length: 10\r\n\r\n12345",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n",
    ],
)
async def test_an_answer_that_is_broken_off_has_failed(listen: Listen, reply: bytes) -> None:
    message = await failure(await listen(heard(reply)))
    assert message == "the connection was closed before the answer was complete"


@pytest.mark.parametrize(
    "reply",
    [
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/1.1 OK 200\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
    ],
)
async def test_an_answer_that_is_no_http_has_failed(listen: Listen, reply: bytes) -> None:
    assert (await failure(await listen(heard(reply)))).startswith("malformed answer: ")


@pytest.mark.parametrize("reply", [b"", HEAD + b"12345"])
async def test_an_answer_that_does_not_end_has_failed_after_its_time(
    listen: Listen, reply: bytes
) -> None:
    address = await listen(heard(reply, close=False))
    assert await failure(address, timeout=SHORT) == "no answer in time"


async def test_nobody_listening_is_told_with_the_address(unused_tcp_port: int) -> None:
    message = await failure(Address("127.0.0.1", unused_tcp_port))
    assert message.startswith(f"cannot connect to http://127.0.0.1:{unused_tcp_port}: ")


async def test_an_address_that_accepts_nobody_has_failed_after_its_time() -> None:
    with socket.socket() as server, socket.socket() as first, socket.socket() as second:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        for occupant in (first, second):
            occupant.setblocking(False)
            occupant.connect_ex(server.getsockname())
        message = await failure(Address(*server.getsockname()), timeout=0.2)
    assert message == "no connection in time"


async def test_after_a_failure_the_next_request_has_a_connection_of_its_own(
    listen: Listen,
) -> None:
    replies = iter([HEAD + b"12345", HEAD + b"1234567890"])

    async def conversation(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await heard(next(replies), close=False)(reader, writer)

    address = await listen(conversation)
    connection = Connection(address, SHORT, keep_body=True)
    request = encode_request(address, "/", {})
    with pytest.raises(RequestFailed):
        await connection.request(request)
    assert (await connection.request(request)).body == b"1234567890"
    connection.close()


async def test_a_server_that_hung_up_meanwhile_is_connected_to_again(listen: Listen) -> None:
    address = await listen(heard(HEAD + b"1234567890"))
    connection = Connection(address, LONG)
    request = encode_request(address, "/", {})
    for _ in range(3):
        assert (await connection.request(request)).status == 200
        await until(lambda: not connection._caller.is_open)
    connection.close()
