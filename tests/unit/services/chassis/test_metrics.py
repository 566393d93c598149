"""Metrics of requests: counts by label, body sizes, active requests."""

import asyncio

import psycopg2
import pytest
from aiohttp import ServerDisconnectedError, web
from aiohttp.abc import AbstractStreamWriter

from services.chassis import deadlines
from services.chassis.application import json_response
from tests.conftest import samples
from tests.unit.services.chassis.example_service import (
    ACTIVE,
    ServiceOf,
    duration,
)


async def test_a_request_is_counted_under_its_variant(service_of: ServiceOf) -> None:
    client = await service_of()
    for _ in range(3):
        await client.get("/made-up/naive")
    await client.get("/made-up/optimized")
    counted = await samples(client)
    assert counted[duration("count", "naive", 200)] == 3
    assert counted[duration("count", "optimized", 200)] == 1


async def test_a_failure_is_counted_with_its_status(service_of: ServiceOf) -> None:
    async def away(request: web.Request) -> web.Response:
        raise psycopg2.OperationalError

    client = await service_of(optimized=away)
    await client.get("/made-up/naive", params={"count": 0})
    await client.get("/made-up/optimized")
    await client.get("/nowhere")
    await client.post("/made-up/naive")
    counted = await samples(client)
    assert counted[duration("count", "naive", 400)] == 1
    assert counted[duration("count", "optimized", 503)] == 1
    assert counted[duration("count", "unmatched", 404)] == 1
    assert counted[duration("count", "unmatched", 405, "POST")] == 1


async def test_requests_for_health_and_metrics_are_not_counted(service_of: ServiceOf) -> None:
    client = await service_of()
    for path in ("/healthz", "/readyz", "/metrics", "/openapi.json"):
        assert (await client.get(path)).status == 200
    counted = await samples(client)
    assert not [name for name in counted if name.startswith("http_server_request_duration")]


async def test_body_sizes_are_counted_in_bytes(service_of: ServiceOf) -> None:
    client = await service_of()
    response = await client.get("/made-up/naive")
    counted = await samples(client)
    name = 'http_server_response_body_size_bytes_sum{technique="made-up",variant="naive"}'
    assert counted[name] == len(await response.read())


async def test_active_requests_are_counted_while_their_handlers_run(service_of: ServiceOf) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def waiting(request: web.Request) -> web.Response:
        begun.set()
        await go_on.wait()
        return json_response(None)

    client = await service_of(naive=waiting)
    request = asyncio.ensure_future(client.get("/made-up/naive"))
    await begun.wait()
    assert (await samples(client))[ACTIVE] == 1
    go_on.set()
    await request
    assert (await samples(client))[ACTIVE] == 0


async def test_no_request_is_active_after_a_failure(
    service_of: ServiceOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deadlines, "CHECK_SECONDS", 0.01)

    async def failing(request: web.Request) -> web.Response:
        raise RuntimeError

    async def endless(request: web.Request) -> web.Response:
        await asyncio.Event().wait()
        return json_response(None)

    client = await service_of(failing, endless, request_timeout=0.01)
    for path in ("/made-up/naive", "/made-up/optimized", "/made-up/naive?count=0", "/nowhere"):
        await client.get(path)
    assert (await samples(client))[ACTIVE] == 0


async def test_no_request_is_active_after_a_failed_write(
    service_of: ServiceOf,
) -> None:
    class Unwritable(web.Response):
        async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
            raise ConnectionResetError

    async def handler(request: web.Request) -> web.Response:
        return Unwritable()

    client = await service_of(naive=handler)
    with pytest.raises(ServerDisconnectedError):
        await client.get("/made-up/naive")
    assert (await samples(client))[ACTIVE] == 0
