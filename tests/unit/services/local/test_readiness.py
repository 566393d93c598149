"""Asking a server until it is ready."""

from aiohttp import web
from pytest_aiohttp import AiohttpServer

from services.local.ports import free_port
from services.local.readiness import service_is_ready, until


async def test_who_waits_asks_again_until_the_answer_is_yes() -> None:
    answers = iter([False, False, True])
    asked = []

    async def probe() -> bool:
        asked.append(next(answers))
        return asked[-1]

    await until(probe)
    assert asked == [False, False, True]


async def test_a_service_is_ready_when_it_says_so(aiohttp_server: AiohttpServer) -> None:
    statuses = iter([503, 200])

    async def readyz(request: web.Request) -> web.Response:
        return web.Response(status=next(statuses))

    application = web.Application()
    application.router.add_get("/readyz", readyz)
    server = await aiohttp_server(application)
    probe = service_is_ready(str(server.make_url("")).rstrip("/"))
    assert not await probe()
    assert await probe()


async def test_where_nobody_listens_nothing_is_ready() -> None:
    port = free_port()
    assert not await service_is_ready(f"http://127.0.0.1:{port}")()
