"""The gateway when a service is unknown, unreachable, slow or breaks its response."""

import asyncio

import aiohttp
import pytest
from aiohttp import web

from services.catalog import BY_NAME
from tests.conftest import Client
from tests.integration.gateway.backends import (
    LONG_BYTES,
    GatewayBefore,
    breaking,
    count,
)


async def test_an_unknown_technique_is_a_404_with_the_known_names(
    gateway_without_services: Client,
) -> None:
    for path in ("/cashing", "/cashing/naive?id=1"):
        response = await gateway_without_services.post(path)
        assert response.status == 404
        assert response.content_type == "application/problem+json"
        detail = (await response.json())["detail"]
        assert all(name in detail for name in BY_NAME)


async def test_an_unreachable_service_is_a_503_with_its_name(
    gateway_without_services: Client,
) -> None:
    response = await gateway_without_services.get("/pagination/naive")
    assert response.status == 503
    assert int(response.headers["Retry-After"]) >= 1
    assert (await response.json())["dependency"] == "pagination"


async def test_a_service_that_does_not_respond_in_time_is_a_504(
    gateway_before: GatewayBefore,
) -> None:
    released = asyncio.Event()

    async def wait(request: web.Request) -> web.Response:
        await released.wait()
        return web.Response()

    client = await gateway_before(wait, request_timeout=0.05)
    response = await client.get("/caching/naive")
    released.set()
    assert response.status == 504
    assert response.content_type == "application/problem+json"


async def test_a_response_that_stalls_in_its_body_aborts_the_clients_connection(
    gateway_before: GatewayBefore,
) -> None:
    released = asyncio.Event()

    async def stop(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"begun")
        await released.wait()
        return response

    client = await gateway_before(stop, request_timeout=0.05)
    response = await client.get("/caching/naive")
    with pytest.raises(aiohttp.ClientError):
        await response.read()
    released.set()
    assert await count(client, "504", "caching", "naive") == 1


@pytest.mark.parametrize("length", [None, LONG_BYTES])
async def test_a_response_that_breaks_in_its_body_aborts_the_clients_connection(
    gateway_before: GatewayBefore, length: int | None
) -> None:
    client = await gateway_before(breaking(length))
    response = await client.get("/caching/naive")
    assert response.status == 200
    with pytest.raises(aiohttp.ClientError):
        await response.read()
    assert await count(client, "503", "caching", "naive") == 1


async def test_a_short_response_that_breaks_is_a_503(gateway_before: GatewayBefore) -> None:
    client = await gateway_before(breaking(1000))
    response = await client.get("/caching/naive")
    assert response.status == 503
    assert (await response.json())["dependency"] == "caching"


async def test_the_service_stops_sending_when_the_client_disconnects(
    gateway_before: GatewayBefore,
) -> None:
    stopped = asyncio.Event()

    async def stream(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            while True:
                await response.write(b"x" * 65_536)
        finally:
            stopped.set()  # after a failed write or a cancellation, whichever comes first

    client = await gateway_before(stream)
    response = await client.get("/caching/naive")
    response.close()
    await asyncio.wait_for(stopped.wait(), 10)
    assert await count(client, "499", "caching", "naive") == 1
