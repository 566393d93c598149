"""One keep-alive connection against correct servers and against broken servers."""

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
#: Timeouts in seconds. No test waits for the long one.
LONG_TIMEOUT = 30.0
SHORT_TIMEOUT = 0.05


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
def test_an_address_is_parsed_from_a_url(url: str, address: Address) -> None:
    assert Address.parse(url) == address


@pytest.mark.parametrize(
    "url", ["", "localhost:8080", "https://localhost", "ftp://x", "http://", "http://h:99999"]
)
def test_a_url_without_http_or_host_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        Address.parse(url)


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080", "http://[::1]:8080"])
def test_an_address_is_written_in_the_form_that_is_parsed(url: str) -> None:
    assert str(Address.parse(url)) == url


def test_a_request_has_a_request_line_and_headers() -> None:
    encoded = encode_request(Address("lab", 8080), "/path?a=1", {"Accept": "*/*"})
    assert encoded == b"GET /path?a=1 HTTP/1.1\r\nHost: lab:8080\r\nAccept: */*\r\n\r\n"


def test_a_request_with_a_body_states_its_length() -> None:
    encoded = encode_request(Address("lab", 80), "/", {}, "POST", b"a=1")
    assert encoded == b"POST / HTTP/1.1\r\nHost: lab:80\r\nContent-Length: 3\r\n\r\na=1"


class Peers:
    """Records the client port of each request, in order."""

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
    """Start servers that send raw bytes which no HTTP library would send."""
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


async def responses(
    address: Address, count: int, timeout: float = LONG_TIMEOUT, keep_body: bool = True
) -> list[Response]:
    """The responses to `count` requests over one connection."""
    connection = Connection(address, timeout, keep_body)
    request = encode_request(address, "/", {"Accept": "*/*"})
    try:
        return [await connection.request(request) for _ in range(count)]
    finally:
        connection.close()


async def failure(address: Address, timeout: float = LONG_TIMEOUT) -> str:
    with pytest.raises(RequestFailed) as caught:
        await responses(address, 1, timeout)
    return str(caught.value)


async def test_requests_share_one_connection(
    serve: Callable[[Handler], Awaitable[Address]],
) -> None:
    peers = Peers(whole)
    await responses(await serve(peers.handle), 10)
    assert len(peers.ports) == 10
    assert len(set(peers.ports)) == 1


@pytest.mark.parametrize("handler", [whole, chunked, closing])
async def test_a_body_is_complete_in_every_framing(
    serve: Callable[[Handler], Awaitable[Address]], handler: Handler
) -> None:
    for response in await responses(await serve(handler), 3):
        assert response == Response(200, len(BODY), BODY, "")


async def test_a_response_may_have_no_body(serve: Callable[[Handler], Awaitable[Address]]) -> None:
    assert await responses(await serve(empty), 2) == [Response(204, 0, b"", "")] * 2


async def test_a_body_that_is_not_kept_is_only_counted(
    serve: Callable[[Handler], Awaitable[Address]],
) -> None:
    (response,) = await responses(await serve(chunked), 1, keep_body=False)
    assert (response.size, response.body) == (len(BODY), b"")


async def test_a_large_body_is_complete(serve: Callable[[Handler], Awaitable[Address]]) -> None:
    large = bytes(range(256)) * 20_000

    async def handler(request: web.Request) -> web.StreamResponse:
        return web.Response(body=large)

    (response,) = await responses(await serve(handler), 1)
    assert response.body == large


async def test_a_body_stays_encoded_and_its_coding_is_reported(
    serve: Callable[[Handler], Awaitable[Address]],
) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        return web.Response(body=BODY, headers={"Content-Encoding": "GZip"})

    (response,) = await responses(await serve(handler), 1)
    assert (response.content_encoding, response.body) == ("gzip", BODY)


@pytest.mark.parametrize("status", [200, 404, 503])
async def test_every_final_status_is_a_response(
    serve: Callable[[Handler], Awaitable[Address]], status: int
) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        return web.Response(status=status)

    (response,) = await responses(await serve(handler), 1)
    assert response.status == status


async def test_a_connection_reconnects_after_the_server_closed_it(
    serve: Callable[[Handler], Awaitable[Address]],
) -> None:
    peers = Peers(closing)
    await responses(await serve(peers.handle), 5)
    assert len(set(peers.ports)) == 5


def test_a_connection_reconnects_under_uvloop() -> None:
    async def requests() -> list[Response]:
        application = web.Application()
        application.router.add_get("/", closing)
        runner = web.AppRunner(application, access_log=None)
        await runner.setup()
        try:
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            return await responses(Address("127.0.0.1", runner.addresses[0][1]), 100)
        finally:
            await runner.cleanup()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert [response.status for response in runner.run(requests())] == [200] * 100


async def test_a_connection_without_a_request_is_never_opened(listen: Listen) -> None:
    accepted = []

    async def conversation(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        accepted.append(writer)

    Connection(await listen(conversation), LONG_TIMEOUT).close()
    assert accepted == []


def replying(reply: bytes, close: bool = True) -> Conversation:
    """A server that reads a request, sends `reply`, and then may close the connection."""

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
    address = await listen(replying(head + BODY))
    assert await responses(address, 3) == [Response(200, len(BODY), BODY, "")] * 3


async def test_a_reset_during_a_body_without_a_length_is_a_failure(listen: Listen) -> None:
    async def conversation(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n12345")
        await writer.drain()
        at_once = struct.pack("ii", 1, 0)
        connection = writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)
        writer.transport.abort()

    message = await failure(await listen(conversation))
    assert message == "the server closed the connection before the response was complete"


@pytest.mark.parametrize(
    "interim",
    [b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"],
)
async def test_an_interim_response_is_skipped(listen: Listen, interim: bytes) -> None:
    (response,) = await responses(await listen(replying(interim + WHOLE)), 1)
    assert response == Response(200, 10, b"1234567890", "")


async def test_a_response_does_not_affect_the_next_one(listen: Listen) -> None:
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

    assert await responses(await listen(conversation), 4) == [
        Response(200, 3, b"abc", "gzip"),
        Response(404, 2, b"de", ""),
        Response(204, 0, b"", ""),
        Response(200, 10, b"1234567890", ""),
    ]


@pytest.mark.parametrize("surplus", [WHOLE, HEAD, b"HTTP/1.1 2"])
async def test_a_second_response_to_one_request_is_a_failure(
    listen: Listen, surplus: bytes
) -> None:
    message = await failure(await listen(replying(WHOLE + surplus)))
    assert message == "malformed response: more than one for one request"


async def test_bytes_without_a_request_close_the_connection(listen: Listen) -> None:
    may_continue = asyncio.Event()
    received = []

    async def conversation(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        received.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(WHOLE)
        if len(received) == 1:
            await may_continue.wait()
            writer.write(b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n")

    address = await listen(conversation)
    connection = Connection(address, LONG_TIMEOUT)
    request = encode_request(address, "/", {})
    await connection.request(request)
    may_continue.set()
    await until(lambda: not connection._client.is_open)
    assert (await connection.request(request)).status == 200
    assert len(received) == 2
    connection.close()


async def test_the_response_to_a_cancelled_request_is_not_taken_for_the_next_one(
    listen: Listen,
) -> None:
    may_continue = asyncio.Event()
    replies = iter([HEAD + b"late......", WHOLE])

    async def conversation(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reply = next(replies)
        await reader.readuntil(b"\r\n\r\n")
        received.set()
        await may_continue.wait()
        writer.write(reply)

    received = asyncio.Event()
    address = await listen(conversation)
    connection = Connection(address, LONG_TIMEOUT, keep_body=True)
    request = encode_request(address, "/", {})
    cancelled = asyncio.create_task(connection.request(request))
    await received.wait()
    cancelled.cancel()
    await asyncio.gather(cancelled, return_exceptions=True)
    may_continue.set()
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
async def test_a_connection_closed_before_the_end_of_a_response_is_a_failure(
    listen: Listen, reply: bytes
) -> None:
    message = await failure(await listen(replying(reply)))
    assert message == "the server closed the connection before the response was complete"


@pytest.mark.parametrize(
    "reply",
    [
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/1.1 OK 200\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
    ],
)
async def test_a_response_that_is_not_http_is_a_failure(listen: Listen, reply: bytes) -> None:
    assert (await failure(await listen(replying(reply)))).startswith("malformed response: ")


@pytest.mark.parametrize("reply", [b"", HEAD + b"12345"])
async def test_a_response_that_does_not_end_fails_after_the_timeout(
    listen: Listen, reply: bytes
) -> None:
    address = await listen(replying(reply, close=False))
    assert await failure(address, timeout=SHORT_TIMEOUT) == "no response before the timeout"


async def test_a_refused_connection_is_reported_with_its_address(unused_tcp_port: int) -> None:
    message = await failure(Address("127.0.0.1", unused_tcp_port))
    assert message.startswith(f"cannot connect to http://127.0.0.1:{unused_tcp_port}: ")


async def test_a_server_that_accepts_no_connection_fails_after_the_timeout() -> None:
    with socket.socket() as server, socket.socket() as first, socket.socket() as second:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        for occupant in (first, second):
            occupant.setblocking(False)
            occupant.connect_ex(server.getsockname())
        message = await failure(Address(*server.getsockname()), timeout=0.2)
    assert message == "no connection before the timeout"


async def test_the_request_after_a_failure_gets_a_new_connection(
    listen: Listen,
) -> None:
    replies = iter([HEAD + b"12345", HEAD + b"1234567890"])

    async def conversation(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await replying(next(replies), close=False)(reader, writer)

    address = await listen(conversation)
    connection = Connection(address, SHORT_TIMEOUT, keep_body=True)
    request = encode_request(address, "/", {})
    with pytest.raises(RequestFailed):
        await connection.request(request)
    assert (await connection.request(request)).body == b"1234567890"
    connection.close()


async def test_a_connection_reconnects_if_the_server_closed_it_while_idle(listen: Listen) -> None:
    address = await listen(replying(HEAD + b"1234567890"))
    connection = Connection(address, LONG_TIMEOUT)
    request = encode_request(address, "/", {})
    for _ in range(3):
        assert (await connection.request(request)).status == 200
        await until(lambda: not connection._client.is_open)
    connection.close()
