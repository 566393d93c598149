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


async def openmetrics(client: Client) -> str:
    accept = {"Accept": "application/openmetrics-text; version=1.0.0"}
    return await (await client.get("/metrics", headers=accept)).text()


async def test_server_timing_has_the_duration_of_the_handler(service_of: ServiceOf) -> None:
    client = await service_of()
    response = await client.get("/made-up/naive")
    assert re.fullmatch(r"app;dur=\d+\.\d{3}", response.headers["Server-Timing"])


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


async def test_a_response_that_fails_after_its_begin_is_aborted(service_of: ServiceOf) -> None:
    async def half(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"half of it")
        raise RuntimeError

    client = await service_of(naive=half)
    reader, writer = await asyncio.open_connection(client.host, client.port)
    writer.write(b"GET /made-up/naive HTTP/1.1\r\nHost: lab\r\nConnection: close\r\n\r\n")
    try:
        received = await reader.read()
    except ConnectionResetError:
        received = b""
    writer.close()
    assert received.count(b"HTTP/1.1") <= 1
    assert not received.endswith(b"0\r\n\r\n")


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
