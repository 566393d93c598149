"""A server with a regular stall: an open loop measures its effect on users, a closed loop does not.

The server stalls for a tenth of each period. Of requests that arrive at a constant rate, a tenth
arrive during the stall. Their waits are evenly spread between zero and the whole stall. So one
hundredth of all requests waits longer than nine tenths of the stall, which is the 99th percentile.
"""

import asyncio
from time import perf_counter

import pytest
from aiohttp import web
from pytest_aiohttp import AiohttpServer

from loadgen.sending.attack import Attack, ClosedLoop, OpenLoop
from loadgen.sending.connection import Address, encode_request

#: Seconds, seconds, and requests per second.
PERIOD = 5.0
STALL = 0.5
RATE = 200.0
#: A hundredth of all requests arrives in this first part of the stall.
SLOWEST_HUNDREDTH = 0.01 * PERIOD


class StallingService:
    """Stalls in the middle of each period since its start."""

    def __init__(self) -> None:
        self._begin = perf_counter() + (PERIOD - STALL) / 2
        #: Time until the first response after the stall. A busy machine makes the stall longer.
        self.stall = PERIOD

    async def handle(self, request: web.Request) -> web.Response:
        offset = (perf_counter() - self._begin) % PERIOD
        if offset < STALL:
            await asyncio.sleep(STALL - offset)
            self.stall = min(self.stall, (perf_counter() - self._begin) % PERIOD)
        return web.Response(body=b"ok")


@pytest.mark.measures_time
async def test_only_an_open_loop_measures_the_effect_of_a_stall_on_users(
    aiohttp_server: AiohttpServer,
) -> None:
    service = StallingService()
    application = web.Application()
    application.router.add_get("/", service.handle)
    server = await aiohttp_server(application)
    assert server.port is not None
    address = Address("127.0.0.1", server.port)
    requests = [encode_request(address, "/", {})]
    # One client that sends at the same rate as long as responses come at once.
    client = ClosedLoop(1, pause=1 / RATE)
    opened, closed = await asyncio.gather(
        Attack(OpenLoop(RATE), PERIOD).run(address, requests),
        Attack(client, PERIOD).run(address, requests),
    )
    computed = service.stall - SLOWEST_HUNDREDTH
    assert STALL <= service.stall < 1.5 * STALL
    assert opened.answered == RATE * PERIOD
    assert opened.latencies.quantile(0.99) == pytest.approx(computed, rel=0.05)
    # The client met the stall too, but with a single request. It sent no other one meanwhile.
    assert closed.latencies.maximum > 0.9 * STALL
    assert closed.answered > 0.5 * RATE * PERIOD
    assert closed.latencies.quantile(0.99) < computed / 10
