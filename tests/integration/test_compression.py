"""The compression service over HTTP: codings, entity tags, files, streams."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest
import pytest_asyncio
from aiohttp import hdrs, web
from aiohttp.test_utils import TestClient, TestServer

from services.chassis.cpu_meter import in_thread
from services.compression.app import create
from services.compression.body_encoder import BodyEncoder
from services.compression.codings import CODINGS
from services.compression.optimized import compress
from services.compression.streamed import stream
from services.settings import Settings
from tests.conftest import Client, samples
from tests.integration.faulty_proxy import Fault, FaultyProxy
from tests.unit.services.compression.decoders import DECODERS, PIECE_DECODERS, prose

pytestmark = pytest.mark.asyncio(loop_scope="module")

BROWSER = "gzip, deflate, br, zstd"
VARIANTS = ("optimized", "zstd", "br", "gzip", "streamed")
NEGOTIATED = ("optimized", "zstd", "br", "gzip")


async def get(
    client: Client,
    accept: str | None,
    path: str = "optimized",
    method: str = "GET",
    headers: dict[str, str] | None = None,
    **query: int,
) -> Any:
    """Return the response with its body read and still encoded."""
    accept_header = {} if accept is None else {"Accept-Encoding": accept}
    response = await client.session.request(
        method,
        client.make_url(f"/compression/{path}"),
        params={name: str(value) for name, value in query.items()},
        headers={**accept_header, **(headers or {})},
        skip_auto_headers=[hdrs.ACCEPT_ENCODING],
        auto_decompress=False,
    )
    await response.read()
    return response


def coding_of(response: Any) -> str:
    return str(response.headers.get("Content-Encoding", "identity"))


async def document(response: Any) -> Any:
    return orjson.loads(DECODERS[coding_of(response)](await response.read()))


@asynccontextmanager
async def client_for(application: web.Application) -> AsyncIterator[Client]:
    async with TestClient(TestServer(application)) as client:
        yield client


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(settings: Settings) -> AsyncIterator[Client]:
    """A client of one service for all tests: its start encodes files, which takes a while."""
    async with client_for(create(settings)) as client:
        yield client


@pytest.mark.parametrize("variant", ["optimized", "streamed"])
@pytest.mark.parametrize(
    ("accept", "coding"),
    [
        (BROWSER, "zstd"),
        ("gzip, br", "br"),
        ("gzip", "gzip"),
        ("deflate", "deflate"),
        ("gzip;q=0, br;q=0.1", "br"),
        ("*", "zstd"),
        ("compress", "identity"),
        ("", "identity"),
        (None, "identity"),
    ],
)
async def test_the_negotiated_coding_is_sent(
    client: Client, variant: str, accept: str | None, coding: str
) -> None:
    response = await get(client, accept, variant, posts=20)
    assert coding_of(response) == coding
    assert response.headers["Vary"] == "Accept-Encoding"
    plain = await (await client.get("/compression/naive", params={"posts": 20})).json()
    assert await document(response) == plain


@pytest.mark.parametrize("variant", ["zstd", "br", "gzip"])
async def test_a_variant_named_after_a_coding_sends_that_coding_or_identity(
    client: Client, variant: str
) -> None:
    assert coding_of(await get(client, BROWSER, variant)) == variant
    assert coding_of(await get(client, f"{variant};q=0, *", variant)) == "identity"
    assert (await get(client, f"{variant};q=0, identity;q=0", variant)).status == 406


@pytest.mark.parametrize("coding", CODINGS)
async def test_a_compressed_body_is_less_than_half_as_long(client: Client, coding: str) -> None:
    sent = len(await (await get(client, coding)).read())
    assert sent * 2 < len(await (await get(client, None)).read())


@pytest.mark.parametrize("variant", NEGOTIATED)
async def test_a_higher_level_sends_fewer_bytes_of_the_same_document(
    client: Client, variant: str
) -> None:
    low, high = [await get(client, BROWSER, variant, level=level) for level in (1, 9)]
    assert len(await high.read()) < len(await low.read())
    assert await document(high) == await document(low)


async def test_brotlis_file_level_is_refused_with_400(client: Client) -> None:
    for variant in VARIANTS:
        response = await get(client, "br", variant, level=11)
        assert response.status == 400
        assert (await response.json(content_type=None))["parameter"] == "level"


async def test_a_large_body_is_compressed_too(client: Client) -> None:
    for accept in CODINGS:
        assert len((await document(await get(client, accept, posts=500)))["posts"]) == 500


async def test_several_accept_encoding_lines_count_together(client: Client) -> None:
    async def response_bytes() -> bytes:
        reader, writer = await asyncio.open_connection(client.host, client.port)
        writer.write(
            b"GET /compression/optimized HTTP/1.1\r\nHost: lab\r\nConnection: close\r\n"
            b"Accept-Encoding: zstd;q=0.5\r\nAccept-Encoding: br\r\n\r\n"
        )
        response = await reader.read()
        writer.close()
        return response

    assert b"Content-Encoding: br\r\n" in await response_bytes()


@pytest.mark.parametrize("path", [*VARIANTS, "static/table.js"])
async def test_a_client_that_refuses_every_coding_gets_406(client: Client, path: str) -> None:
    response = await get(client, "identity;q=0, *;q=0", path)
    assert response.status == 406
    assert response.headers["Vary"] == "Accept-Encoding"
    assert response.content_type == "application/problem+json"


@pytest.mark.parametrize("path", [*NEGOTIATED, "static/table.js"])
@pytest.mark.parametrize("accept", [*CODINGS, ""])
async def test_a_client_that_has_the_same_bytes_gets_304(
    client: Client, path: str, accept: str
) -> None:
    first = await get(client, accept, path)
    tag = first.headers["ETag"]
    again = await get(client, accept, path, headers={"If-None-Match": f'"other", W/{tag}'})
    assert (again.status, await again.read()) == (304, b"")
    assert again.headers["ETag"] == tag
    assert again.headers["Vary"] == "Accept-Encoding"
    assert again.headers.get("Cache-Control") == first.headers.get("Cache-Control")
    assert "Content-Encoding" not in again.headers
    assert "Content-Type" not in again.headers


@pytest.mark.parametrize("path", ["optimized", "static/table.js"])
async def test_each_coding_has_another_entity_tag(client: Client, path: str) -> None:
    tags = {(await get(client, accept, path)).headers["ETag"] for accept in ("br", "gzip", "")}
    assert len(tags) == 3
    gzip = (await get(client, "gzip", path)).headers["ETag"]
    assert (await get(client, "br", path, headers={"If-None-Match": gzip})).status == 200


@pytest.mark.parametrize("path", [*VARIANTS, "static/table.js"])
async def test_head_has_the_headers_of_get(client: Client, path: str) -> None:
    get_, head = [await get(client, BROWSER, path, method) for method in ("GET", "HEAD")]
    assert await head.read() == b""
    # RFC 9110, section 9.3.2: HEAD may omit headers that are known only after the body is made.
    differ = {"Date", "Server-Timing", "X-Request-ID", "Transfer-Encoding"}
    one, other = [
        {name: value for name, value in each.headers.items() if name not in differ}
        for each in (get_, head)
    ]
    assert one == other


@pytest.mark.parametrize("variant", VARIANTS)
async def test_bytes_before_and_after_encoding_and_its_time_are_counted(
    client: Client, variant: str
) -> None:
    coding = variant if variant in CODINGS else "gzip"
    before = await samples(client)
    body = await (await get(client, coding, variant)).read()
    after = await samples(client)
    counted = {name: value - before.get(name, 0) for name, value in after.items()}
    labels = f'technique="compression",variant="{variant}"'
    plain = DECODERS[coding](body)
    for stage, size in (("in", len(plain)), ("out", len(body))):
        name = f'compression_bytes_total{{encoding="{coding}",stage="{stage}",{labels}}}'
        assert counted[name] == size
    assert counted[f'compression_duration_seconds_count{{encoding="{coding}",{labels}}}'] == 1


@pytest.mark.parametrize(
    ("accept", "coding"), [(BROWSER, "br"), ("gzip, zstd", "zstd"), ("gzip", "gzip")]
)
@pytest.mark.parametrize("name", ["table.css", "table.js", "request.svg"])
async def test_a_file_is_sent_in_the_smallest_coding(
    client: Client, name: str, accept: str, coding: str
) -> None:
    plain = await (await get(client, None, f"static/{name}")).read()
    response = await get(client, accept, f"static/{name}")
    assert coding_of(response) == coding
    assert DECODERS[coding](await response.read()) == plain


async def test_a_picture_is_sent_unencoded(client: Client) -> None:
    response = await get(client, BROWSER, "static/gradient.png")
    assert (coding_of(response), response.content_type) == ("identity", "image/png")
    assert (await response.read()).startswith(b"\x89PNG")


@pytest.mark.parametrize(
    "name",
    ["..", ".", "../app.py", "..%2fapp.py", "%2e%2e/app.py", "%2e%2e%2fapp.py", "..%5capp.py",
     "/etc/passwd", "%2fetc%2fpasswd", "table.js%00.png", "table.js/", "./table.js/x", "a" * 5000],
)  # fmt: skip
async def test_no_file_name_leads_out_of_the_folder(client: Client, name: str) -> None:
    # Written to the socket, because HTTP clients normalize such paths.
    reader, writer = await asyncio.open_connection(client.host, client.port)
    target = f"/compression/static/{name}"
    writer.write(f"GET {target} HTTP/1.1\r\nHost: lab\r\nConnection: close\r\n\r\n".encode())
    status = (await reader.read()).split(b" ", 2)[1]
    writer.close()
    assert status == b"404"


class SilentObserver:
    """Ignores all calls."""

    def body_encoded(
        self, coding: str, plain_bytes: int, encoded_bytes: int, seconds: float
    ) -> None: ...


TEXT = prose(50)


@pytest.mark.parametrize(
    ("handler_headers", "sent"),
    [
        ({"Vary": "Origin"}, {"Vary": "Origin, Accept-Encoding"}),
        ({"Vary": "*"}, {"Vary": "*"}),
        ({"ETag": '"v7"'}, {"ETag": '"v7-gzip"', "Content-Encoding": "gzip"}),
        ({"ETag": 'W/"v7"'}, {"ETag": 'W/"v7"', "Content-Encoding": "gzip"}),
        ({"Content-Encoding": "br"}, {"Content-Encoding": "br"}),
    ],
)
async def test_headers_that_the_handler_set_are_kept(
    handler_headers: dict[str, str], sent: dict[str, str]
) -> None:
    async def handler(request: web.Request) -> web.Response:
        response = web.Response(body=TEXT, content_type="text/plain", headers=handler_headers)
        await compress(request, response, BodyEncoder(("gzip",), in_thread, SilentObserver()))
        return response

    application = web.Application()
    application.router.add_get("/compression/text", handler)
    async with client_for(application) as client:
        response = await get(client, "gzip", "text")
        tag = {"If-None-Match": response.headers["ETag"]}
        again = await get(client, "gzip", "text", headers=tag)
    assert {name: response.headers.get(name) for name in sent} == sent
    body = await response.read()
    assert DECODERS["identity" if coding_of(response) == "br" else "gzip"](body) == TEXT
    assert again.status == 304
    assert "Content-Encoding" not in again.headers


@pytest.mark.parametrize("coding", [*CODINGS, "identity"])
async def test_each_piece_of_a_stream_arrives_before_the_next_is_made(
    coding: str,
) -> None:
    arrived = asyncio.Event()

    async def pieces() -> AsyncIterator[bytes]:
        for number in range(5):
            yield b"piece %d " % number
            await arrived.wait()  # waits for ever if the encoder holds the piece back
            arrived.clear()

    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await stream(request, response, pieces(), SilentObserver())
        return response

    application = web.Application()
    application.router.add_get("/compression/pieces", handler)
    async with client_for(application) as client:
        response = await client.session.get(
            client.make_url("/compression/pieces"),
            headers={"Accept-Encoding": coding},
            auto_decompress=False,
        )
        decode = PIECE_DECODERS[coding]()
        for number in range(5):
            read = b""
            async with asyncio.timeout(10):
                while not read.endswith(b"%d " % number):
                    read += decode(await response.content.readany())
            assert read == b"piece %d " % number
            arrived.set()
        assert decode(await response.read()) == b""


async def test_a_client_that_disconnects_ends_the_stream(client: Client) -> None:
    with socket.create_connection((client.host, client.port)) as connection:
        connection.sendall(
            b"GET /compression/streamed?posts=500 HTTP/1.1\r\nHost: lab\r\n\r\n",
        )
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
    assert (await get(client, "gzip", "streamed")).status == 200


@pytest.mark.parametrize("fault", [Fault.CUT, Fault.SILENT])
async def test_every_route_answers_while_the_database_is_down(
    settings: Settings, fault: Fault
) -> None:
    proxy = FaultyProxy(settings.database_port)
    await proxy.start()
    changed = settings.model_copy(update={"database_port": proxy.port, "pool_timeout": 1})
    try:
        async with client_for(create(changed)) as client:
            proxy.inject(fault)
            for path in ("naive", *VARIANTS, "static/table.js"):
                assert (await get(client, BROWSER, path)).status == 200
            assert (await client.get("/healthz")).status == 200
            ready = await client.get("/readyz")
            assert (ready.status, ready.headers["Retry-After"]) == (503, "1")
            assert not (await ready.json())["dependencies"]["postgres"]["ok"]
    finally:
        await proxy.close()
