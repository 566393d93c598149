"""The gateway forwards requests and responses unchanged, except for hop-by-hop headers."""

import asyncio
import gzip
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from yarl import URL

from tests.integration.gateway.backends import (
    LONG_BYTES,
    GatewayBefore,
    echo,
    raw_response,
    responding,
)


async def test_method_path_and_body_of_a_request_are_forwarded(
    gateway_before: GatewayBefore,
) -> None:
    client = await gateway_before(echo)
    response = await client.put("/caching/posts/7", data=b'{"title": "new"}')
    received = await response.json()
    assert (received["method"], received["path"]) == ("PUT", "/caching/posts/7")
    assert received["body"] == '{"title": "new"}'


@pytest.mark.parametrize(
    "path",
    [
        "/caching/naive?a=%2f&b=%2F&c=+&d=%20&&e&=f",
        "/caching/naive?q=%C3%A9%ff%00",
        "/caching/na%2Five/../%2e%2e/x",
        "/caching//naive/",
    ],
)
async def test_paths_and_queries_are_forwarded_unchanged(
    gateway_before: GatewayBefore, path: str
) -> None:
    client = await gateway_before(echo)
    response = await client.session.get(URL(f"{client.make_url('')}{path}", encoded=True))
    assert (await response.json())["path"] == path


async def test_only_the_path_of_an_absolute_address_is_forwarded(
    gateway_before: GatewayBefore,
) -> None:
    client = await gateway_before(echo)
    answer = await raw_response(
        client,
        "GET http://elsewhere.example/caching/naive?id=1 HTTP/1.1\n"
        "Host: elsewhere.example\nConnection: close\n\n",
    )
    assert answer.startswith("HTTP/1.1 200 ")
    assert '"path": "/caching/naive?id=1"' in answer


async def test_a_request_body_is_forwarded_before_it_is_complete(
    gateway_before: GatewayBefore,
) -> None:
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


async def test_the_gateway_adds_no_content_headers_to_a_request(
    gateway_before: GatewayBefore,
) -> None:
    client = await gateway_before(echo)
    answer = await raw_response(
        client, "GET /compression/optimized HTTP/1.1\nHost: a\nConnection: close\n\n"
    )
    for name in ("Accept", "Accept-Encoding", "User-Agent", "Content-Type", "Content-Length"):
        assert f'["{name}"' not in answer


async def test_hop_by_hop_headers_are_dropped_in_both_directions(
    gateway_before: GatewayBefore,
) -> None:
    async def answer(request: web.Request) -> web.Response:
        unexpected = {"TE", "Keep-Alive", "X-Named", "Connection"} & request.headers.keys()
        headers = {"Connection": "X-Own", "X-Own": "1", "Keep-Alive": "timeout=5", "X-Kept": "1"}
        return web.Response(text=",".join(unexpected), headers=headers)

    client = await gateway_before(answer)
    sent = {"Connection": "keep-alive, X-Named", "X-Named": "1", "TE": "gzip", "Keep-Alive": "1"}
    response = await client.get("/caching/naive", headers=sent)
    assert await response.text() == ""
    assert response.headers["X-Kept"] == "1"
    assert not {"X-Own", "Keep-Alive", "Connection"} & response.headers.keys()


async def test_a_client_that_expects_100_continue_receives_it_once(
    gateway_before: GatewayBefore,
) -> None:
    client = await gateway_before(echo)
    answer = await raw_response(
        client,
        "PUT /caching/posts/1 HTTP/1.1\nHost: a\nExpect: 100-continue\n"
        "Content-Length: 3\nConnection: close\n\nabc",
    )
    assert answer.count("100 Continue") == 1
    assert '"body": "abc"' in answer


async def test_service_and_client_receive_the_same_request_id(
    gateway_before: GatewayBefore,
) -> None:
    client = await gateway_before(echo)
    response = await client.get("/caching/naive", headers={"X-Request-ID": "from-the-client"})
    assert ["X-Request-ID", "from-the-client"] in (await response.json())["headers"]
    assert response.headers.getall("X-Request-ID") == ["from-the-client"]


@pytest.mark.parametrize("size", [0, 1000, LONG_BYTES])
async def test_compressed_bodies_are_forwarded_byte_for_byte(
    gateway_before: GatewayBefore, size: int
) -> None:
    body = gzip.compress(b"x" * size, compresslevel=0)
    client = await gateway_before(responding(body=body, headers={"Content-Encoding": "gzip"}))
    response = await client.get("/compression/optimized", auto_decompress=False)
    assert response.headers["Content-Encoding"] == "gzip"
    assert response.headers["Content-Length"] == str(len(body))
    assert await response.read() == body


async def test_chunks_are_forwarded_before_the_response_is_complete(
    gateway_before: GatewayBefore,
) -> None:
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


async def test_status_reason_and_headers_of_a_response_are_forwarded(
    gateway_before: GatewayBefore,
) -> None:
    headers = [("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"), ("Server-Timing", "app;dur=1.5")]
    client = await gateway_before(
        responding(status=418, reason="Teapot", headers=headers, text="x")
    )
    response = await client.get("/caching/naive")
    assert (response.status, response.reason) == (418, "Teapot")
    assert response.headers.getall("Set-Cookie") == ["a=1", "b=2"]
    assert response.headers.getall("Server-Timing") == ["app;dur=1.5"]
    for name in ("Date", "Server", "Content-Type", "Content-Length"):
        assert len(response.headers.getall(name)) == 1


async def test_redirects_are_forwarded_rather_than_followed(gateway_before: GatewayBefore) -> None:
    client = await gateway_before(responding(status=302, headers={"Location": "/elsewhere"}))
    response = await client.get("/caching/naive", allow_redirects=False)
    assert (response.status, response.headers["Location"]) == (302, "/elsewhere")


@pytest.mark.parametrize("size", [1000, LONG_BYTES])
async def test_head_has_the_content_length_and_no_body(
    gateway_before: GatewayBefore, size: int
) -> None:
    client = await gateway_before(responding(body=b"x" * size))
    answer = await raw_response(
        client, "HEAD /caching/naive HTTP/1.1\nHost: a\nConnection: close\n\n"
    )
    assert f"Content-Length: {size}\r\n" in answer
    assert answer.endswith("\r\n\r\n")


@pytest.mark.parametrize("status", [204, 304])
async def test_responses_without_a_body_end_with_their_headers(
    gateway_before: GatewayBefore, status: int
) -> None:
    client = await gateway_before(responding(status=status, headers={"X-Kept": "1"}))
    answer = await raw_response(
        client, "GET /caching/naive HTTP/1.1\nHost: a\nConnection: close\n\n"
    )
    assert answer.startswith(f"HTTP/1.1 {status} ")
    assert "X-Kept: 1\r\n" in answer
    assert "Transfer-Encoding" not in answer
    assert answer.endswith("\r\n\r\n")


async def test_an_http_1_0_client_receives_a_chunked_response_without_chunks(
    gateway_before: GatewayBefore,
) -> None:
    async def stream(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"all of it")
        return response

    client = await gateway_before(stream)
    answer = await raw_response(client, "GET /caching/naive HTTP/1.0\n\n")
    assert "Transfer-Encoding" not in answer
    assert answer.endswith("\r\n\r\nall of it")
