"""Servers behind the gateway under test: handlers, a name server, and what a client sees."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence

from aiohttp import web
from aiohttp.test_utils import TestServer
from aiohttp.typedefs import Handler

from tests.conftest import Client, samples

#: Starts a gateway whose services are all one server with this handler.
GatewayBefore = Callable[..., Awaitable[Client]]
#: Starts a gateway that resolves the name of the caching service with these names.
GatewayOfNames = Callable[["Names"], Awaitable[Client]]
#: Starts a replica at an address, with a handler.
StartReplica = Callable[..., Awaitable[TestServer]]

#: A body length above the gateway's limit for complete reads, so that the gateway streams.
LONG_BYTES = 1_000_000


class Names:
    """A name server that knows the caching service, whose addresses may change."""

    def __init__(self, *addresses: str) -> None:
        self._addresses = addresses
        self._queried = asyncio.Event()

    async def resolve(self, name: str) -> Sequence[str]:
        if name != "caching":
            return [name]
        self._queried.set()
        if not self._addresses:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return self._addresses

    async def set_addresses(self, *addresses: str) -> None:
        """Change the addresses, and return when the gateway uses them.

        When the gateway queries a second time, it has used the result of the first query.
        """
        self._addresses = addresses
        for _ in range(2):
            self._queried.clear()
            await asyncio.wait_for(self._queried.wait(), 10)


async def own_address(request: web.Request) -> web.Response:
    """Respond with the address of the replica."""
    assert request.transport is not None
    return web.Response(text=request.transport.get_extra_info("sockname")[0])


async def echo(request: web.Request) -> web.Response:
    """Respond with the received request as JSON."""
    return web.json_response(
        {
            "method": request.method,
            "path": request.raw_path,
            "headers": [list(header) for header in request.headers.items()],
            "body": (await request.read()).decode(),
        }
    )


def responding(**response: object) -> Handler:
    """A handler that always sends this response."""

    async def respond(request: web.Request) -> web.Response:
        return web.Response(**response)  # type: ignore[arg-type]

    return respond


def breaking(length: int | None) -> Handler:
    """A handler that sends the begin of a body and closes the connection.

    Without `length`, the body is chunked.
    """

    async def begin(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        response.content_length = length
        await response.prepare(request)
        await response.write(b"begun")
        assert request.transport is not None
        request.transport.close()
        return response

    return begin


async def raw_response(client: Client, request: str) -> str:
    """Send exactly this request; return all that the gateway sends until it closes."""
    reader, writer = await asyncio.open_connection(client.host, client.port)
    writer.write(request.replace("\n", "\r\n").encode("latin-1"))
    response = await reader.read()
    writer.close()
    await writer.wait_closed()
    return response.decode()


async def count(client: Client, status: str, technique: str, variant: str) -> float:
    """The number of counted requests, as soon as it is not 0: responses arrive before the count."""
    labels = (
        f'{{http_request_method="GET",http_response_status_code="{status}",'
        f'technique="{technique}",variant="{variant}"}}'
    )
    name = f"gateway_request_duration_seconds_count{labels}"
    async with asyncio.timeout(10):
        while not (counted := (await samples(client)).get(name)):  # noqa: ASYNC110
            await asyncio.sleep(0)
    return counted
