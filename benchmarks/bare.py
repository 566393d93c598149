"""A bare aiohttp server on uvloop in a separate process, as the baseline of other benchmarks.

`python -m benchmarks.bare PORT`
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import uvloop
from aiohttp import web

from loadgen.sending.connection import Address, Connection, RequestFailed, encode_request
from services.local.ports import free_port

BODY = b'{"message":"hello"}'
PATH = "/bare"


async def hello(request: web.Request) -> web.Response:
    return web.Response(body=BODY, content_type="application/json")


async def serve(port: int) -> None:
    """Serve until the process is ended."""
    application = web.Application()
    application.router.add_get(PATH, hello)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await asyncio.Event().wait()


@dataclass(frozen=True, slots=True)
class Server:
    address: Address
    process: int


@asynccontextmanager
async def running(module: str, path: str, *arguments: str) -> AsyncIterator[Server]:
    """Run `python -m MODULE ARGUMENTS PORT`; the block starts when the path answers."""
    port = free_port()
    address = Address("127.0.0.1", port)
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, *arguments, str(port)
    )
    try:
        await _wait_until_serving(address, path)
        yield Server(address, child.pid)
    finally:
        child.terminate()
        await child.wait()


async def _wait_until_serving(address: Address, path: str) -> None:
    """Wait until the server responds with BODY, which all compared servers must send."""
    async with asyncio.timeout(30):
        while True:
            connection = Connection(address, timeout=1.0, keep_body=True)
            try:
                response = await connection.request(encode_request(address, path, {}))
            except RequestFailed:
                await asyncio.sleep(0.05)
            else:
                assert response.body == BODY  # noqa: S101 - otherwise the comparison is meaningless
                return
            finally:
                connection.close()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(int(sys.argv[1])))
