"""Servers that the tests of `sending` load: a counting one and a silent one."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable

import pytest
from aiohttp import web
from pytest_aiohttp import AiohttpServer

from loadgen.sending.attack import ClosedLoop, OpenLoop
from loadgen.sending.connection import Address, encode_request

EACH_LOAD = pytest.mark.parametrize(
    "load", [ClosedLoop(3), OpenLoop(200), OpenLoop(200, "poisson")]
)


class Service:
    """Counts requests by target, client port and status, and how many are active at once."""

    def __init__(self) -> None:
        self.targets: list[str] = []
        self.ports: list[int] = []
        self.active = 0
        self.maximum_active = 0
        self.statuses: Counter[int] = Counter()
        #: With n above 0, each n-th response has status 503.
        self.failing_every = 0
        self.seconds = 0.001
        self.blocking_seconds = 0.0

    async def handle(self, request: web.Request) -> web.Response:
        assert request.transport is not None
        self.ports.append(request.transport.get_extra_info("peername")[1])
        self.targets.append(request.path_qs)
        self.active += 1
        self.maximum_active = max(self.maximum_active, self.active)
        time.sleep(self.blocking_seconds)  # noqa: ASYNC251 - simulates a blocked event loop
        await asyncio.sleep(self.seconds)
        self.active -= 1
        failing = self.failing_every and len(self.targets) % self.failing_every == 0
        status = 503 if failing else 200
        self.statuses[status] += 1
        return web.Response(status=status, body=b"12345")


def requests(address: Address, count: int) -> list[bytes]:
    """Encoded requests for /0, /1 and so on."""
    return [encode_request(address, f"/{number}", {}) for number in range(count)]


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
async def address(aiohttp_server: AiohttpServer, service: Service) -> Address:
    return await _started(aiohttp_server, service.handle)


@pytest.fixture
async def silent(aiohttp_server: AiohttpServer) -> Address:
    """A server that accepts requests and never responds."""

    async def handle(request: web.Request) -> web.Response:
        await asyncio.Event().wait()
        return web.Response()

    return await _started(aiohttp_server, handle)


async def _started(aiohttp_server: AiohttpServer, handle: Callable[..., object]) -> Address:
    application = web.Application()
    application.router.add_get("/{path:.*}", handle)  # type: ignore[arg-type]
    server = await aiohttp_server(application)
    assert server.port is not None
    return Address("127.0.0.1", server.port)
