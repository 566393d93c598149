"""Probes of servers, and waiting until a probe returns True."""

from aiohttp import web
from pytest_aiohttp import AiohttpServer

from services.local.ports import free_port
from services.local.server_probe import service_is_ready, wait_until


async def test_wait_until_repeats_the_probe_until_it_returns_true() -> None:
    answers = iter([False, False, True])
    results = []

    async def probe() -> bool:
        results.append(next(answers))
        return results[-1]

    await wait_until(probe)
    assert results == [False, False, True]


async def test_a_service_is_ready_when_readyz_returns_200(aiohttp_server: AiohttpServer) -> None:
    statuses = iter([503, 200])

    async def readyz(request: web.Request) -> web.Response:
        return web.Response(status=next(statuses))

    application = web.Application()
    application.router.add_get("/readyz", readyz)
    server = await aiohttp_server(application)
    probe = service_is_ready(str(server.make_url("")).rstrip("/"))
    assert not await probe()
    assert await probe()


async def test_a_service_on_a_closed_port_is_not_ready() -> None:
    port = free_port()
    assert not await service_is_ready(f"http://127.0.0.1:{port}")()
