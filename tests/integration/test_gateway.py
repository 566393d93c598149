"""The gateway in front of real servers: what passes, what does not, and what happens on failure."""

import asyncio
import gzip
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

import aiohttp
import pytest
from aiohttp import hdrs, web
from aiohttp.test_utils import TestServer, unused_port
from aiohttp.typedefs import Handler
from pytest_aiohttp import AiohttpClient, AiohttpServer
from yarl import URL

from gateway import replicas
from gateway.app import create
from services.catalog import BY_NAME, TECHNIQUES
from services.local.ports import free_port
from services.settings import InvalidSettings, Settings
from tests.conftest import Client, samples

GatewayBefore = Callable[..., Awaitable[Client]]
GatewayInFrontOf = Callable[["Names"], Awaitable[Client]]
Replica = Callable[..., Awaitable[TestServer]]
#: More than the gateway reads before it answers, so that it has to stream.
LONG = 1_000_000


class Names:
    """A name server that knows one name, and at which addresses it is now."""

    def __init__(self, *addresses: str) -> None:
        self._addresses = addresses
        self._asked = asyncio.Event()

    async def resolve(self, name: str) -> Sequence[str]:
        if name != "caching":
            return [name]
        self._asked.set()
        if not self._addresses:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return self._addresses

    async def lead_to(self, *addresses: str) -> None:
        """Returns once the gateway has heard of it: who asks again has used the answer before."""
        self._addresses = addresses
        for _ in range(2):
            self._asked.clear()
            await asyncio.wait_for(self._asked.wait(), 10)


@pytest.fixture
def gateway_before(aiohttp_server: AiohttpServer, aiohttp_client: AiohttpClient) -> GatewayBefore:
    """Start a gateway whose upstream is, for every technique, a server with this one handler."""

    async def start(handler: Handler, **changes: object) -> Client:
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", handler)
        server = await aiohttp_server(application)
        upstreams = dict.fromkeys(BY_NAME, str(server.make_url("")))
        settings = Settings.model_validate({"upstreams": upstreams, **changes})
        client: Client = await aiohttp_client(create(settings))
        return client

    return start


@pytest.fixture
async def gateway_before_nobody(aiohttp_client: AiohttpClient) -> Client:
    upstreams = dict.fromkeys(BY_NAME, f"http://127.0.0.1:{unused_port()}")
    client: Client = await aiohttp_client(create(Settings(upstreams=upstreams)))
    return client


@pytest.fixture
def port() -> int:
    """Where the replicas of a test listen, each at an address of its own, as containers do."""
    return free_port()


@pytest.fixture
def replica(aiohttp_server: AiohttpServer, port: int) -> Replica:
    """Start a server at this address, which tells its address unless it has another handler."""

    async def start(address: str, handler: Handler = where) -> TestServer:
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", handler)
        server: TestServer = await aiohttp_server(application, host=address, port=port)
        return server

    return start


@pytest.fixture
def gateway_in_front_of(
    aiohttp_client: AiohttpClient, port: int, monkeypatch: pytest.MonkeyPatch
) -> GatewayInFrontOf:
    """Start a gateway that finds the replicas of caching by name."""
    monkeypatch.setattr(replicas, "RESOLVE_SECONDS", 0.01)

    async def start(names: Names) -> Client:
        settings = Settings(upstreams={"caching": f"http://caching:{port}"})
        client: Client = await aiohttp_client(create(settings, names.resolve))
        return client

    return start


async def where(request: web.Request) -> web.Response:
    """The address that was asked."""
    assert request.transport is not None
    return web.Response(text=request.transport.get_extra_info("sockname")[0])


async def echo(request: web.Request) -> web.Response:
    """What the upstream was asked, as JSON."""
    return web.json_response(
        {
            "method": request.method,
            "path": request.raw_path,
            "headers": [list(header) for header in request.headers.items()],
            "body": (await request.read()).decode(),
        }
    )


def answering(**response: object) -> Handler:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(**response)  # type: ignore[arg-type]

    return answer


def breaking_off(length: int | None) -> Handler:
    """A handler that sends a few bytes of its body, chunked if no length is given, and dies."""

    async def begin(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        response.content_length = length
        await response.prepare(request)
        await response.write(b"begun")
        assert request.transport is not None
        request.transport.close()
        return response

    return begin


async def raw(client: Client, request: str) -> str:
    """What comes back for exactly these bytes, until the gateway closes the connection."""
    reader, writer = await asyncio.open_connection(client.host, client.port)
    writer.write(request.replace("\n", "\r\n").encode("latin-1"))
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer.decode()


async def count(client: Client, status: str, technique: str, variant: str) -> float:
    """How many requests were counted, once it is any: an answer arrives before it is counted."""
    labels = (
        f'{{http_request_method="GET",http_response_status_code="{status}",'
        f'technique="{technique}",variant="{variant}"}}'
    )
    name = f"gateway_request_duration_seconds_count{labels}"
    async with asyncio.timeout(10):
        while not (counted := (await samples(client)).get(name)):  # noqa: ASYNC110
            await asyncio.sleep(0)
    return counted


# Requests


async def test_method_path_and_body_of_a_request_pass(gateway_before: GatewayBefore) -> None:
    client = await gateway_before(echo)
    response = await client.put("/caching/posts/7", data=b'{"title": "new"}')
    asked = await response.json()
    assert (asked["method"], asked["path"]) == ("PUT", "/caching/posts/7")
    assert asked["body"] == '{"title": "new"}'


@pytest.mark.parametrize(
    "path",
    [
        "/caching/naive?a=%2f&b=%2F&c=+&d=%20&&e&=f",
        "/caching/naive?q=%C3%A9%ff%00",
        "/caching/na%2Five/../%2e%2e/x",
        "/caching//naive/",
    ],
)
async def test_paths_and_queries_pass_as_they_were_written(
    gateway_before: GatewayBefore, path: str
) -> None:
    client = await gateway_before(echo)
    response = await client.session.get(URL(f"{client.make_url('')}{path}", encoded=True))
    assert (await response.json())["path"] == path


async def test_a_request_for_a_whole_address_asks_the_upstream_for_the_path(
    gateway_before: GatewayBefore,
) -> None:
    client = await gateway_before(echo)
    answer = await raw(
        client,
        "GET http://elsewhere.example/caching/naive?id=1 HTTP/1.1\n"
        "Host: elsewhere.example\nConnection: close\n\n",
    )
    assert answer.startswith("HTTP/1.1 200 ")
    assert '"path": "/caching/naive?id=1"' in answer


async def test_a_body_is_passed_on_before_its_end_has_come(gateway_before: GatewayBefore) -> None:
    begun = asyncio.Event()

    async def read(request: web.Request) -> web.Response:
        first = await request.content.readany()
        begun.set()
        return web.Response(body=first + await request.content.read())

    async def body() -> AsyncIterator[bytes]:
        yield b"first "
        await asyncio.wait_for(begun.wait(), 10)
        yield b"second"

    client = await gateway_before(read)
    response = await client.put("/caching/posts/1", data=body())
    assert await response.read() == b"first second"


async def test_the_upstream_gets_no_header_that_the_client_did_not_send(
    gateway_before: GatewayBefore,
) -> None:
    client = await gateway_before(echo)
    answer = await raw(
        client, "GET /compression/optimized HTTP/1.1\nHost: a\nConnection: close\n\n"
    )
    for name in ("Accept", "Accept-Encoding", "User-Agent", "Content-Type", "Content-Length"):
        assert f'["{name}"' not in answer


async def test_hop_by_hop_headers_stop_at_the_gateway(gateway_before: GatewayBefore) -> None:
    async def answer(request: web.Request) -> web.Response:
        left = {"TE", "Keep-Alive", "X-Named", "Connection"} & request.headers.keys()
        headers = {"Connection": "X-Own", "X-Own": "1", "Keep-Alive": "timeout=5", "X-Kept": "1"}
        return web.Response(text=",".join(left), headers=headers)

    client = await gateway_before(answer)
    sent = {"Connection": "keep-alive, X-Named", "X-Named": "1", "TE": "gzip", "Keep-Alive": "1"}
    response = await client.get("/caching/naive", headers=sent)
    assert await response.text() == ""
    assert response.headers["X-Kept"] == "1"
    assert not {"X-Own", "Keep-Alive", "Connection"} & response.headers.keys()


async def test_a_client_that_waits_to_be_told_to_continue_is_told_once(
    gateway_before: GatewayBefore,
) -> None:
    client = await gateway_before(echo)
    answer = await raw(
        client,
        "PUT /caching/posts/1 HTTP/1.1\nHost: a\nExpect: 100-continue\n"
        "Content-Length: 3\nConnection: close\n\nabc",
    )
    assert answer.count("100 Continue") == 1
    assert '"body": "abc"' in answer


async def test_the_request_id_is_the_same_on_both_sides(gateway_before: GatewayBefore) -> None:
    client = await gateway_before(echo)
    response = await client.get("/caching/naive", headers={"X-Request-ID": "from-outside"})
    assert ["X-Request-ID", "from-outside"] in (await response.json())["headers"]
    assert response.headers.getall("X-Request-ID") == ["from-outside"]


# Answers


@pytest.mark.parametrize("size", [0, 1000, LONG])
async def test_compressed_bodies_pass_byte_for_byte(
    gateway_before: GatewayBefore, size: int
) -> None:
    body = gzip.compress(b"x" * size, compresslevel=0)
    client = await gateway_before(answering(body=body, headers={"Content-Encoding": "gzip"}))
    response = await client.get("/compression/optimized", auto_decompress=False)
    assert response.headers["Content-Encoding"] == "gzip"
    assert response.headers["Content-Length"] == str(len(body))
    assert await response.read() == body


async def test_chunks_pass_before_the_upstream_has_finished(gateway_before: GatewayBefore) -> None:
    arrived = asyncio.Event()

    async def stream(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"first")
        await asyncio.wait_for(arrived.wait(), 10)
        await response.write(b"second")
        return response

    client = await gateway_before(stream)
    response = await client.get("/caching/naive")
    assert await response.content.readany() == b"first"
    arrived.set()
    assert await response.read() == b"second"


async def test_status_reason_and_headers_of_an_answer_pass(gateway_before: GatewayBefore) -> None:
    headers = [("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"), ("Server-Timing", "app;dur=1.5")]
    client = await gateway_before(answering(status=418, reason="Teapot", headers=headers, text="x"))
    response = await client.get("/caching/naive")
    assert (response.status, response.reason) == (418, "Teapot")
    assert response.headers.getall("Set-Cookie") == ["a=1", "b=2"]
    assert response.headers.getall("Server-Timing") == ["app;dur=1.5"]
    for name in ("Date", "Server", "Content-Type", "Content-Length"):
        assert len(response.headers.getall(name)) == 1


async def test_redirects_are_the_clients_to_follow(gateway_before: GatewayBefore) -> None:
    client = await gateway_before(answering(status=302, headers={"Location": "/elsewhere"}))
    response = await client.get("/caching/naive", allow_redirects=False)
    assert (response.status, response.headers["Location"]) == (302, "/elsewhere")


@pytest.mark.parametrize("size", [1000, LONG])
async def test_head_tells_the_length_and_sends_no_body(
    gateway_before: GatewayBefore, size: int
) -> None:
    client = await gateway_before(answering(body=b"x" * size))
    answer = await raw(client, "HEAD /caching/naive HTTP/1.1\nHost: a\nConnection: close\n\n")
    assert f"Content-Length: {size}\r\n" in answer
    assert answer.endswith("\r\n\r\n")


@pytest.mark.parametrize("status", [204, 304])
async def test_answers_without_a_body_end_with_their_headers(
    gateway_before: GatewayBefore, status: int
) -> None:
    client = await gateway_before(answering(status=status, headers={"X-Kept": "1"}))
    answer = await raw(client, "GET /caching/naive HTTP/1.1\nHost: a\nConnection: close\n\n")
    assert answer.startswith(f"HTTP/1.1 {status} ")
    assert "X-Kept: 1\r\n" in answer
    assert "Transfer-Encoding" not in answer
    assert answer.endswith("\r\n\r\n")


async def test_a_chunked_answer_reaches_a_client_that_knows_no_chunks(
    gateway_before: GatewayBefore,
) -> None:
    async def stream(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"all of it")
        return response

    client = await gateway_before(stream)
    answer = await raw(client, "GET /caching/naive HTTP/1.0\n\n")
    assert "Transfer-Encoding" not in answer
    assert answer.endswith("\r\n\r\nall of it")


# Failures


async def test_an_unknown_technique_is_not_found_and_the_known_ones_are_named(
    gateway_before_nobody: Client,
) -> None:
    for path in ("/cashing", "/cashing/naive?id=1"):
        response = await gateway_before_nobody.post(path)
        assert response.status == 404
        assert response.content_type == "application/problem+json"
        detail = (await response.json())["detail"]
        assert all(name in detail for name in BY_NAME)


async def test_an_upstream_that_is_down_is_named(gateway_before_nobody: Client) -> None:
    response = await gateway_before_nobody.get("/pagination/naive")
    assert response.status == 503
    assert int(response.headers["Retry-After"]) >= 1
    assert (await response.json())["dependency"] == "pagination"


async def test_an_upstream_that_is_slow_passes_the_deadline(gateway_before: GatewayBefore) -> None:
    released = asyncio.Event()

    async def wait(request: web.Request) -> web.Response:
        await released.wait()
        return web.Response()

    client = await gateway_before(wait, request_timeout=0.2)
    response = await client.get("/caching/naive")
    released.set()
    assert response.status == 504
    assert response.content_type == "application/problem+json"


async def test_an_upstream_that_stops_in_the_middle_breaks_the_clients_connection(
    gateway_before: GatewayBefore,
) -> None:
    released = asyncio.Event()

    async def stop(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"begun")
        await released.wait()
        return response

    client = await gateway_before(stop, request_timeout=0.2)
    response = await client.get("/caching/naive")
    with pytest.raises(aiohttp.ClientError):
        await response.read()
    released.set()
    assert await count(client, "504", "caching", "naive") == 1


@pytest.mark.parametrize("length", [None, LONG])
async def test_an_upstream_that_dies_in_the_middle_breaks_the_clients_connection(
    gateway_before: GatewayBefore, length: int | None
) -> None:
    client = await gateway_before(breaking_off(length))
    response = await client.get("/caching/naive")
    assert response.status == 200
    with pytest.raises(aiohttp.ClientError):
        await response.read()
    assert await count(client, "503", "caching", "naive") == 1


async def test_a_short_answer_that_breaks_off_is_no_answer(gateway_before: GatewayBefore) -> None:
    client = await gateway_before(breaking_off(1000))
    response = await client.get("/caching/naive")
    assert response.status == 503
    assert (await response.json())["dependency"] == "caching"


async def test_a_client_that_leaves_lets_the_upstream_stop(gateway_before: GatewayBefore) -> None:
    stopped = asyncio.Event()

    async def stream(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            while True:
                await response.write(b"x" * 65_536)
        finally:
            stopped.set()  # by a write that fails or by cancellation, whichever comes first

    client = await gateway_before(stream)
    response = await client.get("/caching/naive")
    response.close()
    await asyncio.wait_for(stopped.wait(), 10)
    assert await count(client, "499", "caching", "naive") == 1


# Replicas


async def answers(client: Client, number: int) -> list[str]:
    """What that many requests are answered, one after the other."""
    return [await (await client.get("/caching/naive")).text() for _ in range(number)]


async def retries(client: Client) -> float:
    return (await samples(client))['gateway_retries_total{technique="caching"}']


async def known(client: Client) -> float:
    return (await samples(client))['gateway_replicas{technique="caching"}']


async def test_replicas_are_asked_in_turn(
    replica: Replica, gateway_in_front_of: GatewayInFrontOf
) -> None:
    addresses = ["127.0.0.1", "127.0.0.2", "127.0.0.3"]
    for address in addresses:
        await replica(address)
    client = await gateway_in_front_of(Names(*addresses))
    assert await answers(client, 6) == addresses * 2
    assert await known(client) == 3
    assert await retries(client) == 0


async def test_a_replica_is_asked_by_the_name_of_its_upstream(
    replica: Replica, gateway_in_front_of: GatewayInFrontOf, port: int
) -> None:
    await replica("127.0.0.1", echo)
    client = await gateway_in_front_of(Names("127.0.0.1"))
    headers = (await (await client.get("/caching/naive")).json())["headers"]
    assert [value for name, value in headers if name == hdrs.HOST] == [f"caching:{port}"]


async def test_a_replica_that_stops_is_passed_over_and_counted(
    replica: Replica, gateway_in_front_of: GatewayInFrontOf
) -> None:
    await replica("127.0.0.1")
    stopping = await replica("127.0.0.2")
    client = await gateway_in_front_of(Names("127.0.0.1", "127.0.0.2"))
    assert await answers(client, 2) == ["127.0.0.1", "127.0.0.2"]
    await stopping.close()
    assert await answers(client, 4) == ["127.0.0.1"] * 4
    assert await retries(client) == 2


async def test_a_replica_that_appears_is_asked_from_the_next_resolution_on(
    replica: Replica, gateway_in_front_of: GatewayInFrontOf
) -> None:
    await replica("127.0.0.1")
    names = Names("127.0.0.1")
    client = await gateway_in_front_of(names)
    assert await answers(client, 2) == ["127.0.0.1"] * 2
    await replica("127.0.0.2")
    await names.lead_to("127.0.0.1", "127.0.0.2")
    assert await answers(client, 2) == ["127.0.0.1", "127.0.0.2"]
    assert await known(client) == 2


async def test_a_replica_that_vanishes_is_no_longer_tried(
    replica: Replica, gateway_in_front_of: GatewayInFrontOf
) -> None:
    await replica("127.0.0.1")
    names = Names("127.0.0.1", "127.0.0.2")
    client = await gateway_in_front_of(names)
    await names.lead_to("127.0.0.1")
    assert await answers(client, 4) == ["127.0.0.1"] * 4
    assert await known(client) == 1
    assert await retries(client) == 0


async def test_a_name_that_leads_nowhere_leaves_the_replicas_as_they_were(
    replica: Replica, gateway_in_front_of: GatewayInFrontOf
) -> None:
    await replica("127.0.0.1")
    names = Names("127.0.0.1")
    client = await gateway_in_front_of(names)
    await names.lead_to()
    assert await answers(client, 1) == ["127.0.0.1"]
    assert await known(client) == 1


async def test_a_name_that_leads_nowhere_at_the_start_may_do_so_later(
    replica: Replica, gateway_in_front_of: GatewayInFrontOf
) -> None:
    names = Names()
    client = await gateway_in_front_of(names)
    response = await client.get("/caching/naive")
    assert (response.status, (await response.json())["dependency"]) == (503, "caching")
    assert await known(client) == 0
    await replica("127.0.0.1")
    await names.lead_to("127.0.0.1")
    assert await answers(client, 1) == ["127.0.0.1"]


async def test_when_every_replica_refuses_the_upstream_is_named(
    gateway_in_front_of: GatewayInFrontOf,
) -> None:
    client = await gateway_in_front_of(Names("127.0.0.1", "127.0.0.2", "127.0.0.3"))
    response = await client.post("/caching/naive", data=b"x")
    assert response.status == 503
    assert int(response.headers["Retry-After"]) >= 1
    assert (await response.json())["dependency"] == "caching"
    assert await retries(client) == 2  # each once


async def test_retries_are_a_series_before_there_is_one(gateway_before_nobody: Client) -> None:
    found = await samples(gateway_before_nobody)
    assert [found[f'gateway_retries_total{{technique="{name}"}}'] for name in BY_NAME] == [0] * 7
    assert [found[f'gateway_replicas{{technique="{name}"}}'] for name in BY_NAME] == [1] * 7


@pytest.mark.parametrize("method", ["PUT", "POST"])
@pytest.mark.parametrize("size", [10, LONG])
async def test_a_body_arrives_whole_at_the_replica_after_one_that_refuses(
    replica: Replica, gateway_in_front_of: GatewayInFrontOf, method: str, size: int
) -> None:
    async def read(request: web.Request) -> web.Response:
        return web.Response(body=b"".join([part async for part in request.content.iter_any()]))

    await replica("127.0.0.2", read)
    client = await gateway_in_front_of(Names("127.0.0.1", "127.0.0.2"))
    body = bytes(range(10)) * (size // 10)
    response = await client.request(method, "/caching/posts/1", data=body)
    assert await response.read() == body
    assert await retries(client) == 1


async def test_a_body_arrives_whole_when_a_connection_that_was_kept_is_dead_as_well(
    replica: Replica, gateway_in_front_of: GatewayInFrontOf
) -> None:
    stopping = await replica("127.0.0.1")
    await replica("127.0.0.2", echo)
    client = await gateway_in_front_of(Names("127.0.0.1", "127.0.0.2"))
    for _ in range(2):
        await client.get("/caching/naive")
    await stopping.close()
    response = await client.put("/caching/posts/1", data=b"all of it")
    assert (await response.json())["body"] == "all of it"
    assert await retries(client) == 1


async def test_a_body_of_which_a_part_was_read_is_never_sent_to_another(
    replica: Replica, gateway_in_front_of: GatewayInFrontOf, port: int
) -> None:
    died = asyncio.Event()

    async def die(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        await reader.readuntil(b"first")
        dying.close()
        writer.transport.abort()
        died.set()

    async def body() -> AsyncIterator[bytes]:
        yield b"first"
        await asyncio.wait_for(died.wait(), 10)
        yield b"second"

    dying = await asyncio.start_server(die, "127.0.0.1", port)
    await replica("127.0.0.2")
    client = await gateway_in_front_of(Names("127.0.0.1", "127.0.0.2"))
    assert await answers(client, 2) == ["", "127.0.0.2"]
    response = await client.put("/caching/posts/1", data=body())
    assert response.status == 503
    assert await retries(client) == 0


@pytest.mark.parametrize("ready", [0, 1, 2])
async def test_an_upstream_is_ready_when_one_replica_is(
    replica: Replica, gateway_in_front_of: GatewayInFrontOf, ready: int
) -> None:
    addresses = ["127.0.0.1", "127.0.0.2", "127.0.0.3"]
    await replica(addresses[ready], answering(text="ready"))
    await replica(addresses[ready - 1], answering(status=503))  # and at the third there is nobody
    client = await gateway_in_front_of(Names(*addresses))
    document = await (await client.get("/readyz")).json()
    assert document["dependencies"]["caching"]["ok"]


async def test_a_replica_that_hangs_does_not_hold_up_that_another_is_ready(
    replica: Replica, gateway_in_front_of: GatewayInFrontOf
) -> None:
    released = asyncio.Event()

    async def hang(request: web.Request) -> web.Response:
        await released.wait()
        return web.Response()

    await replica("127.0.0.1", hang)
    await replica("127.0.0.2", answering(text="ready"))
    client = await gateway_in_front_of(Names("127.0.0.1", "127.0.0.2"))
    document = await (await client.get("/readyz")).json()
    released.set()
    assert document["dependencies"]["caching"]["ok"]


async def test_an_upstream_is_not_ready_when_no_replica_is(
    replica: Replica, gateway_in_front_of: GatewayInFrontOf
) -> None:
    for address in ("127.0.0.1", "127.0.0.2"):
        await replica(address, answering(status=503))
    client = await gateway_in_front_of(Names("127.0.0.1", "127.0.0.2"))
    response = await client.get("/readyz")
    assert response.status == 503
    assert not (await response.json())["dependencies"]["caching"]["ok"]


async def test_a_gateway_that_has_stopped_leaves_no_task(
    gateway_in_front_of: GatewayInFrontOf,
) -> None:
    before = asyncio.all_tasks()
    client = await gateway_in_front_of(Names("127.0.0.1"))
    assert "replicas" in {task.get_name() for task in asyncio.all_tasks()}
    await client.close()
    assert asyncio.all_tasks() <= before


# What the gateway itself answers


async def test_requests_are_counted_by_technique_and_variant(gateway_before: GatewayBefore) -> None:
    client = await gateway_before(answering(text="x"))
    for path in ("/caching/naive?id=1", "/caching/naive?id=2", "/caching/optimized", "/n-plus-one"):
        await client.get(path)
    assert await count(client, "200", "caching", "naive") == 2
    assert await count(client, "200", "caching", "optimized") == 1
    assert await count(client, "200", "n-plus-one", "other") == 1


async def test_no_path_makes_a_new_time_series(gateway_before: GatewayBefore) -> None:
    client = await gateway_before(answering(text="x"))
    await client.get("/caching/0")
    await client.get("/cashing/0")
    before = (await samples(client)).keys()
    for number in range(1, 20):
        await client.get(f"/caching/{number}/naive")
        await client.get(f"/cashing/{number}")
    assert {name for name in (await samples(client)).keys() - before if "{" in name} == set()


async def test_the_index_lists_every_variant_with_its_path(gateway_before_nobody: Client) -> None:
    response = await gateway_before_nobody.get("/")
    cards = (await response.json())["techniques"]
    assert cards == [technique.card() for technique in TECHNIQUES]


async def test_a_browser_gets_a_page_that_links_to_every_variant(
    gateway_before_nobody: Client,
) -> None:
    response = await gateway_before_nobody.get("/", headers={"Accept": "text/html,*/*;q=0.8"})
    assert response.content_type == "text/html"
    assert response.headers["Vary"] == hdrs.ACCEPT
    page = await response.text()
    for technique in TECHNIQUES:
        for variant in technique.variant_names():
            assert f'href="{technique.path(variant)}"' in page


async def test_openapi_describes_every_variant(gateway_before_nobody: Client) -> None:
    document = await (await gateway_before_nobody.get("/openapi.json")).json()
    expected = {
        technique.path(variant)
        for technique in TECHNIQUES
        for variant in ("", *technique.variant_names())
    }
    assert document["paths"].keys() == expected


async def test_ready_is_who_has_all_upstreams_ready(gateway_before: GatewayBefore) -> None:
    client = await gateway_before(answering(text="ready"))
    response = await client.get("/readyz")
    assert response.status == 200
    assert (await response.json())["dependencies"].keys() == BY_NAME.keys()


@pytest.mark.parametrize("status", [404, 503])
async def test_an_upstream_that_is_not_ready_is_named(
    gateway_before: GatewayBefore, status: int
) -> None:
    async def answer(request: web.Request) -> web.Response:
        assert request.path == "/readyz"
        return web.Response(status=status)

    client = await gateway_before(answer)
    response = await client.get("/readyz")
    assert response.status == 503
    assert not (await response.json())["dependencies"]["caching"]["ok"]


async def test_without_upstreams_it_is_alive_and_not_ready(gateway_before_nobody: Client) -> None:
    assert (await gateway_before_nobody.get("/healthz")).status == 200
    assert (await gateway_before_nobody.get("/readyz")).status == 503


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("cashing", "http://127.0.0.1:8101"),
        ("caching", "127.0.0.1:8101"),
        ("caching", "localhost:8101"),
        ("caching", "http://"),
        ("caching", "http://127.0.0.1:99999"),
    ],
)
def test_an_upstream_that_cannot_be_is_refused_in_one_line(name: str, address: str) -> None:
    with pytest.raises(InvalidSettings, match=r"^LAB_UPSTREAMS: .+$"):
        create(Settings(upstreams={name: address}))
