"""The wrapper around handlers: durations, failures, aborted responses, slow requests."""

import asyncio
import contextlib
import re
from time import perf_counter

import pytest
from aiohttp import web

from services.chassis import deadlines
from services.chassis.application import json_response
from tests.conftest import Client, samples
from tests.unit.services.chassis.example_service import (
    ACTIVE,
    PROBLEM,
    ServiceOf,
    duration,
)

BODY_BYTES = 'http_server_response_body_size_bytes_sum{technique="made-up",variant="naive"}'


async def openmetrics(client: Client) -> str:
    accept = {"Accept": "application/openmetrics-text; version=1.0.0"}
    return await (await client.get("/metrics", headers=accept)).text()


async def received_from(client: Client) -> bytes:
    """All bytes that the naive variant sends on a new connection; nothing after an abort."""
    reader, writer = await asyncio.open_connection(client.host, client.port)
    writer.write(b"GET /made-up/naive HTTP/1.1\r\nHost: lab\r\nConnection: close\r\n\r\n")
    try:
        return await reader.read()
    except ConnectionResetError:
        return b""
    finally:
        writer.close()


async def test_server_timing_has_the_milliseconds_of_the_handler(service_of: ServiceOf) -> None:
    spent = []

    async def slow(request: web.Request) -> web.Response:
        started = perf_counter()
        await asyncio.sleep(0.02)
        spent.append(perf_counter() - started)
        return json_response(None)

    client = await service_of(naive=slow)
    response = await client.get("/made-up/naive")
    timing = re.fullmatch(r"app;dur=(\d+\.\d{3})", response.headers["Server-Timing"])
    assert timing is not None
    observed = (await samples(client))[duration("sum", "naive", 200)]
    assert round(spent[0], 6) <= float(timing[1]) / 1e3 <= round(observed, 6)


async def test_the_time_in_the_handler_is_observed(service_of: ServiceOf) -> None:
    spent = []

    async def slow(request: web.Request) -> web.Response:
        started = perf_counter()
        await asyncio.sleep(0.02)
        spent.append(perf_counter() - started)
        return json_response(None)

    client = await service_of(naive=slow)
    await client.get("/made-up/naive")
    counted = await samples(client)
    assert counted[duration("sum", "naive", 200)] >= spent[0]


async def test_the_time_for_writing_the_response_is_observed(service_of: ServiceOf) -> None:
    spent = []

    class SlowToWrite(web.Response):
        async def write_eof(self, data: bytes = b"") -> None:
            started = perf_counter()
            await asyncio.sleep(0.02)
            await super().write_eof(data)
            spent.append(perf_counter() - started)

    async def handler(request: web.Request) -> web.Response:
        return SlowToWrite(text="late")

    client = await service_of(naive=handler)
    assert await (await client.get("/made-up/naive")).text() == "late"
    counted = await samples(client)
    assert counted[duration("sum", "naive", 200)] >= spent[0]


async def test_a_streamed_response_is_sent_once_and_counted_once(service_of: ServiceOf) -> None:
    async def streamed(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"one,")
        await response.write(b"two")
        await response.write_eof()
        return response

    client = await service_of(naive=streamed)
    assert await (await client.get("/made-up/naive")).text() == "one,two"
    assert (await samples(client))[duration("count", "naive", 200)] == 1


@pytest.mark.parametrize(
    ("method", "declared", "counted"), [("GET", True, 7), ("HEAD", True, 0), ("GET", False, 7)]
)
async def test_the_bytes_of_a_streamed_body_are_counted(
    service_of: ServiceOf, method: str, declared: bool, counted: int
) -> None:
    written = []

    async def streamed(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        response.content_length = 7 if declared else None
        await response.prepare(request)
        if request.method == "GET":
            await response.write(b"one,two")
        await response.write_eof()
        written.append(response.body_length)
        return response

    client = await service_of(naive=streamed)
    await (await client.request(method, "/made-up/naive")).read()
    # Without a declared length, aiohttp counts the headers, too.
    assert (await samples(client))[BODY_BYTES] == (counted if declared else written[0])
    assert written[0] >= counted


async def test_a_request_whose_client_disconnects_is_counted_with_status_499(
    service_of: ServiceOf,
) -> None:
    begun = asyncio.Event()

    async def endless(request: web.Request) -> web.Response:
        begun.set()
        await asyncio.Event().wait()
        return json_response(None)

    client = await service_of(naive=endless)
    _, writer = await asyncio.open_connection(client.host, client.port)
    writer.write(b"GET /made-up/naive HTTP/1.1\r\nHost: lab\r\n\r\n")
    await begun.wait()
    writer.close()
    async with asyncio.timeout(20):
        while (await samples(client))[ACTIVE]:  # noqa: ASYNC110
            await asyncio.sleep(0)
    counted = await samples(client)
    assert counted[duration("count", "naive", 499)] == 1
    assert 0 < counted[duration("sum", "naive", 499)] < 20
    assert counted[BODY_BYTES] == 0


async def test_the_cpu_time_of_a_measured_request_is_counted(service_of: ServiceOf) -> None:
    client = await service_of()
    assert (await client.get("/made-up/naive")).status == 200
    labels = '{technique="made-up",variant="naive"}'
    assert (await samples(client))[f"http_server_request_cpu_seconds_count{labels}"] == 1


async def test_the_text_of_an_unknown_exception_is_logged_but_not_sent(
    service_of: ServiceOf, caplog: pytest.LogCaptureFixture
) -> None:
    async def failing(request: web.Request) -> web.Response:
        raise RuntimeError("secret")

    client = await service_of(naive=failing)
    response = await client.get("/made-up/naive")
    assert (response.status, response.content_type) == (500, PROBLEM)
    body = await response.text()
    assert "secret" not in body
    assert "Traceback" not in body
    assert "RuntimeError: secret" in caplog.text


@pytest.mark.parametrize("body", [b"", b"half of it"])
@pytest.mark.parametrize("length", [None, 20])
async def test_a_response_that_fails_after_its_begin_is_aborted(
    service_of: ServiceOf, length: int | None, body: bytes
) -> None:
    async def half(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        response.content_length = length
        await response.prepare(request)
        if body:
            await response.write(body)
        raise RuntimeError

    received = await received_from(await service_of(naive=half))
    assert received.count(b"HTTP/1.1") <= 1
    assert b" 500 " not in received
    assert not received.endswith(b"0\r\n\r\n")


async def test_a_failure_is_not_sent_behind_headers_that_aiohttp_still_buffers(
    service_of: ServiceOf,
) -> None:
    async def prepared(request: web.Request) -> web.Response:
        await web.Response(text="never sent").prepare(request)
        raise RuntimeError

    assert await received_from(await service_of(naive=prepared)) == b""


async def test_the_response_to_a_client_that_does_not_read_is_aborted(
    service_of: ServiceOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deadlines, "CHECK_SECONDS", 0.01)
    outcome: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            while True:
                await response.write(bytes(2**20))
        except asyncio.CancelledError:
            outcome.set_result("cancelled")
            raise

    client = await service_of(naive=endless, request_timeout=0.05)
    _, writer = await asyncio.open_connection(client.host, client.port, limit=1024)
    writer.write(b"GET /made-up/naive HTTP/1.1\r\nHost: lab\r\n\r\n")
    async with asyncio.timeout(20):
        assert await outcome == "cancelled"
    assert (await samples(client))[ACTIVE] == 0
    writer.close()
    with contextlib.suppress(ConnectionResetError):
        await writer.wait_closed()


async def test_a_slow_request_is_logged_and_becomes_an_exemplar(
    service_of: ServiceOf, caplog: pytest.LogCaptureFixture
) -> None:
    client = await service_of(slow_request=1e-9)
    await client.get("/made-up/naive?count=2", headers={"X-Request-ID": "slow-one"})
    (line,) = [record.getMessage() for record in caplog.records]
    assert re.fullmatch(
        r"slow: GET /made-up/naive\?count=2 took \d\.\d{3} s, request slow-one", line
    )
    exemplars = [line for line in (await openmetrics(client)).splitlines() if "slow-one" in line]
    assert len(exemplars) == 1
    assert exemplars[0].startswith("http_server_request_duration_seconds_bucket{")
    assert '# {request_id="slow-one"}' in exemplars[0]


async def test_a_fast_request_is_neither_logged_nor_an_exemplar(
    service_of: ServiceOf, caplog: pytest.LogCaptureFixture
) -> None:
    client = await service_of()
    await client.get("/made-up/naive", headers={"X-Request-ID": "quick-one"})
    assert caplog.records == []
    assert "quick-one" not in await openmetrics(client)
