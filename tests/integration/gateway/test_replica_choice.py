"""The gateway in front of several replicas: their order, retries, resolution, readiness."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp import hdrs, web

from services.catalog import BY_NAME
from tests.conftest import Client, samples
from tests.integration.gateway.backends import (
    LONG_BYTES,
    GatewayOfNames,
    Names,
    StartReplica,
    echo,
    responding,
)


async def bodies(client: Client, number: int) -> list[str]:
    """The bodies of the responses to that many requests, one after the other."""
    return [await (await client.get("/caching/naive")).text() for _ in range(number)]


async def retry_count(client: Client) -> float:
    return (await samples(client))['gateway_retries_total{technique="caching"}']


async def replica_count(client: Client) -> float:
    return (await samples(client))['gateway_replicas{technique="caching"}']


async def test_replicas_are_used_in_turn(
    replica: StartReplica, gateway_of_names: GatewayOfNames
) -> None:
    addresses = ["127.0.0.1", "127.0.0.2", "127.0.0.3"]
    for address in addresses:
        await replica(address)
    client = await gateway_of_names(Names(*addresses))
    assert await bodies(client, 6) == addresses * 2
    assert await replica_count(client) == 3
    assert await retry_count(client) == 0


async def test_a_replica_receives_the_host_header_of_its_service(
    replica: StartReplica, gateway_of_names: GatewayOfNames, port: int
) -> None:
    await replica("127.0.0.1", echo)
    client = await gateway_of_names(Names("127.0.0.1"))
    headers = (await (await client.get("/caching/naive")).json())["headers"]
    assert [value for name, value in headers if name == hdrs.HOST] == [f"caching:{port}"]


async def test_requests_to_a_stopped_replica_are_retried_on_another(
    replica: StartReplica, gateway_of_names: GatewayOfNames
) -> None:
    await replica("127.0.0.1")
    stopping = await replica("127.0.0.2")
    client = await gateway_of_names(Names("127.0.0.1", "127.0.0.2"))
    assert await bodies(client, 2) == ["127.0.0.1", "127.0.0.2"]
    await stopping.close()
    assert await bodies(client, 4) == ["127.0.0.1"] * 4
    assert await retry_count(client) == 2


async def test_a_new_replica_is_used_after_the_next_resolution(
    replica: StartReplica, gateway_of_names: GatewayOfNames
) -> None:
    await replica("127.0.0.1")
    names = Names("127.0.0.1")
    client = await gateway_of_names(names)
    assert await bodies(client, 2) == ["127.0.0.1"] * 2
    await replica("127.0.0.2")
    await names.set_addresses("127.0.0.1", "127.0.0.2")
    assert await bodies(client, 2) == ["127.0.0.1", "127.0.0.2"]
    assert await replica_count(client) == 2


async def test_a_removed_replica_is_no_longer_tried(
    replica: StartReplica, gateway_of_names: GatewayOfNames
) -> None:
    await replica("127.0.0.1")
    names = Names("127.0.0.1", "127.0.0.2")
    client = await gateway_of_names(names)
    await names.set_addresses("127.0.0.1")
    assert await bodies(client, 4) == ["127.0.0.1"] * 4
    assert await replica_count(client) == 1
    assert await retry_count(client) == 0


async def test_a_failed_resolution_keeps_the_known_replicas(
    replica: StartReplica, gateway_of_names: GatewayOfNames
) -> None:
    await replica("127.0.0.1")
    names = Names("127.0.0.1")
    client = await gateway_of_names(names)
    await names.set_addresses()
    assert await bodies(client, 1) == ["127.0.0.1"]
    assert await replica_count(client) == 1


async def test_a_service_unknown_at_the_start_is_used_once_its_name_resolves(
    replica: StartReplica, gateway_of_names: GatewayOfNames
) -> None:
    names = Names()
    client = await gateway_of_names(names)
    response = await client.get("/caching/naive")
    assert (response.status, (await response.json())["dependency"]) == (503, "caching")
    assert await replica_count(client) == 0
    await replica("127.0.0.1")
    await names.set_addresses("127.0.0.1")
    assert await bodies(client, 1) == ["127.0.0.1"]


async def test_a_service_whose_replicas_all_refuse_is_a_503_with_its_name(
    gateway_of_names: GatewayOfNames,
) -> None:
    client = await gateway_of_names(Names("127.0.0.1", "127.0.0.2", "127.0.0.3"))
    response = await client.post("/caching/naive", data=b"x")
    assert response.status == 503
    assert int(response.headers["Retry-After"]) >= 1
    assert (await response.json())["dependency"] == "caching"
    assert await retry_count(client) == 2  # one per further replica


async def test_the_retry_counter_of_every_technique_starts_at_zero(
    gateway_without_services: Client,
) -> None:
    found = await samples(gateway_without_services)
    assert [found[f'gateway_retries_total{{technique="{name}"}}'] for name in BY_NAME] == [0] * len(
        BY_NAME
    )
    assert [found[f'gateway_replicas{{technique="{name}"}}'] for name in BY_NAME] == [1] * len(
        BY_NAME
    )


@pytest.mark.parametrize("method", ["PUT", "POST"])
@pytest.mark.parametrize("size", [10, LONG_BYTES])
async def test_a_retried_request_has_its_complete_body(
    replica: StartReplica, gateway_of_names: GatewayOfNames, method: str, size: int
) -> None:
    async def read(request: web.Request) -> web.Response:
        return web.Response(body=b"".join([part async for part in request.content.iter_any()]))

    await replica("127.0.0.2", read)
    client = await gateway_of_names(Names("127.0.0.1", "127.0.0.2"))
    body = bytes(range(10)) * (size // 10)
    response = await client.request(method, "/caching/posts/1", data=body)
    assert await response.read() == body
    assert await retry_count(client) == 1


async def test_a_request_retried_after_a_stale_connection_has_its_complete_body(
    replica: StartReplica, gateway_of_names: GatewayOfNames
) -> None:
    stopping = await replica("127.0.0.1")
    await replica("127.0.0.2", echo)
    client = await gateway_of_names(Names("127.0.0.1", "127.0.0.2"))
    for _ in range(2):
        await client.get("/caching/naive")
    await stopping.close()
    response = await client.put("/caching/posts/1", data=b"all of it")
    assert (await response.json())["body"] == "all of it"
    assert await retry_count(client) == 1


async def test_a_partly_sent_body_is_never_sent_to_another_replica(
    replica: StartReplica, gateway_of_names: GatewayOfNames, port: int
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
    client = await gateway_of_names(Names("127.0.0.1", "127.0.0.2"))
    assert await bodies(client, 2) == ["", "127.0.0.2"]
    response = await client.put("/caching/posts/1", data=body())
    assert response.status == 503
    assert await retry_count(client) == 0


@pytest.mark.parametrize("ready", [0, 1, 2])
async def test_a_service_is_ready_when_one_replica_is(
    replica: StartReplica, gateway_of_names: GatewayOfNames, ready: int
) -> None:
    addresses = ["127.0.0.1", "127.0.0.2", "127.0.0.3"]
    await replica(addresses[ready], responding(text="ready"))
    await replica(
        addresses[ready - 1], responding(status=503)
    )  # and nothing listens at the third address
    client = await gateway_of_names(Names(*addresses))
    document = await (await client.get("/readyz")).json()
    assert document["dependencies"]["caching"]["ok"]


async def test_a_replica_that_hangs_does_not_delay_the_check_of_another(
    replica: StartReplica, gateway_of_names: GatewayOfNames
) -> None:
    released = asyncio.Event()

    async def hang(request: web.Request) -> web.Response:
        await released.wait()
        return web.Response()

    await replica("127.0.0.1", hang)
    await replica("127.0.0.2", responding(text="ready"))
    client = await gateway_of_names(Names("127.0.0.1", "127.0.0.2"))
    document = await (await client.get("/readyz")).json()
    released.set()
    assert document["dependencies"]["caching"]["ok"]


async def test_a_service_is_not_ready_when_no_replica_is(
    replica: StartReplica, gateway_of_names: GatewayOfNames
) -> None:
    for address in ("127.0.0.1", "127.0.0.2"):
        await replica(address, responding(status=503))
    client = await gateway_of_names(Names("127.0.0.1", "127.0.0.2"))
    response = await client.get("/readyz")
    assert response.status == 503
    assert not (await response.json())["dependencies"]["caching"]["ok"]


async def test_a_stopped_gateway_leaves_no_task(
    gateway_of_names: GatewayOfNames,
) -> None:
    before = asyncio.all_tasks()
    client = await gateway_of_names(Names("127.0.0.1"))
    assert "replicas" in {task.get_name() for task in asyncio.all_tasks()}
    await client.close()
    assert asyncio.all_tasks() <= before
