"""A server that stands still now and then: what each of the two loops says of it.

Every ten seconds it answers nothing for one second, and anything at once in between. Of 100
requests/s that come whether it answers or not, a tenth come while it stands still and wait for the
rest of that second, evenly from all of it to none. So a hundredth of all waits longer than nine
tenths of a second: that is the 99th percentile, and what users get.
"""

import asyncio
from time import perf_counter

import pytest
from aiohttp import web
from pytest_aiohttp import AiohttpServer

from loadgen.sending.attack import Attack, ClosedLoop, OpenLoop
from loadgen.sending.connection import Address, encode_request

PERIOD = 10.0
STALL = 1.0
RATE = 100.0
#: A hundredth of all comes so early in the stall, and is slower than the 99th percentile.
SLOWEST_HUNDREDTH = 0.01 * PERIOD


class Stalling:
    """Stands still in the middle of each period since it was started."""

    def __init__(self) -> None:
        self._begin = perf_counter() + (PERIOD - STALL) / 2
        #: How long the stall was when the first were answered: longer than meant on a busy machine.
        self.stall = PERIOD

    async def handle(self, request: web.Request) -> web.Response:
        offset = (perf_counter() - self._begin) % PERIOD
        if offset < STALL:
            await asyncio.sleep(STALL - offset)
            self.stall = min(self.stall, (perf_counter() - self._begin) % PERIOD)
        return web.Response(body=b"ok")


async def test_an_open_loop_tells_what_users_get_and_a_closed_one_does_not(
    aiohttp_server: AiohttpServer,
) -> None:
    stalling = Stalling()
    application = web.Application()
    application.router.add_get("/", stalling.handle)
    server = await aiohttp_server(application)
    assert server.port is not None
    address = Address("127.0.0.1", server.port)
    requests = [encode_request(address, "/", {})]
    # One client that sends as often, as long as it is answered at once.
    client = ClosedLoop(1, pause=1 / RATE)
    opened, closed = await asyncio.gather(
        Attack(OpenLoop(RATE), PERIOD).run(address, requests),
        Attack(client, PERIOD).run(address, requests),
    )
    computed = stalling.stall - SLOWEST_HUNDREDTH
    assert STALL <= stalling.stall < 1.5 * STALL
    assert opened.answered == RATE * PERIOD
    assert opened.latencies.quantile(0.99) == pytest.approx(computed, rel=0.05)
    # It met the stall as well, with one request; those that it did not send meanwhile are missing.
    assert closed.latencies.maximum > 0.9 * STALL
    assert closed.answered > 0.5 * RATE * PERIOD
    assert closed.latencies.quantile(0.99) < computed / 10
