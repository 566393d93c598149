"""Serving: start, error messages at the start, and a graceful stop."""

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web

from services.chassis.serve import CannotStart, serve
from services.settings import Settings


def application_with(handler: object) -> web.Application:
    application = web.Application()
    application.router.add_get("/", handler)  # type: ignore[arg-type]
    return application


async def wait_until_listening(port: int) -> None:
    """Try to connect until a server accepts the connection."""
    async with asyncio.timeout(20):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except ConnectionRefusedError:
                await asyncio.sleep(0.01)
            else:
                writer.close()
                return


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_request_in_flight_is_answered_before_the_server_stops(
    unused_tcp_port: int, number: signal.Signals
) -> None:
    begun, stopping = asyncio.Event(), asyncio.Event()

    async def slow(request: web.Request) -> web.Response:
        begun.set()
        await stopping.wait()
        return web.Response(text="done")

    application = application_with(slow)
    serving = asyncio.create_task(serve(application, Settings(), unused_tcp_port))
    await wait_until_listening(unused_tcp_port)
    async with aiohttp.ClientSession() as session:
        response_task = asyncio.create_task(session.get(f"http://127.0.0.1:{unused_tcp_port}/"))
        await begun.wait()
        os.kill(os.getpid(), number)
        await asyncio.sleep(0)
        stopping.set()
        assert await (await response_task).text() == "done"
    await serving
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", unused_tcp_port)


async def test_a_handler_is_cancelled_when_its_client_disconnects(unused_tcp_port: int) -> None:
    begun, cancelled = asyncio.Event(), asyncio.Event()

    async def endless(request: web.Request) -> web.Response:
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise
        return web.Response()

    serving = asyncio.create_task(serve(application_with(endless), Settings(), unused_tcp_port))
    await wait_until_listening(unused_tcp_port)
    _, writer = await asyncio.open_connection("127.0.0.1", unused_tcp_port)
    writer.write(b"GET / HTTP/1.1\r\nHost: lab\r\n\r\n")
    async with asyncio.timeout(20):
        await begun.wait()
        writer.close()
        await cancelled.wait()
    os.kill(os.getpid(), signal.SIGTERM)
    await serving


async def test_a_port_in_use_cannot_be_served() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        with pytest.raises(CannotStart, match=rf"^cannot listen on 127\.0\.0\.1:{port}: "):
            await serve(web.Application(), Settings(), port)


async def test_a_dependency_unreachable_at_the_start_is_an_error(
    unused_tcp_port: int,
) -> None:
    async def unreachable(application: web.Application) -> AsyncIterator[None]:
        raise TimeoutError
        yield

    application = web.Application()
    application.cleanup_ctx.append(unreachable)
    with pytest.raises(CannotStart, match=r"LAB_STARTUP_TIMEOUT \(2\.5 s\)"):
        await serve(application, Settings(startup_timeout=2.5), unused_tcp_port)
