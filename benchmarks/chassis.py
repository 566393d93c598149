"""`make bench-chassis`: the requests/s of a bare route in the chassis over those of bare aiohttp.

Both servers are processes of their own on uvloop and send the same bytes; blocks alternate in
random order, so the ratio holds on a noisy machine. Exit code 1 below the ratio promised.
"""

import asyncio
import sys
from random import Random
from statistics import median

import uvloop
from aiohttp import web

from loadgen.attack import Attack
from loadgen.connection import Address, Connection, RequestFailed, encode_request
from loadgen.estimate import speedup
from loadgen.plan import interleaved
from services.chassis.application import create_service
from services.chassis.serve import serve
from services.contract import Technique, Variant, Workload
from services.local.ports import free_port
from services.settings import load_settings

PROMISED_RATIO = 0.75
#: Many short pairs, and their median: a neighbour's burst spoils a few of them, not the result.
PAIRS = 40
ATTACK = Attack(concurrency=16, duration=0.4)

_BODY = b'{"message":"hello"}'
_TECHNIQUE = Technique(
    name="bare",
    package="",
    title="Bare",
    question="What does the chassis cost?",
    port=0,
    variants=(Variant("chassis", "A bare route in the chassis."),),
    parameters=(),
    needs=frozenset(),
    workload=Workload("One small body."),
)
#: By variant: where its route is.
PATHS = {"bare": "/bare", "chassis": "/bare/chassis"}


async def _hello(request: web.Request) -> web.Response:
    return web.Response(body=_BODY, content_type="application/json")


async def _serve_bare(port: int) -> None:
    application = web.Application()
    application.router.add_get(PATHS["bare"], _hello)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await asyncio.Event().wait()


async def _serve_chassis(port: int) -> None:
    settings = load_settings()
    await serve(create_service(_TECHNIQUE, settings, {"chassis": _hello}), settings, port)


async def _answers(address: Address, path: str) -> None:
    """Returns once the server answers with the very bytes that both must send."""
    async with asyncio.timeout(30):
        while True:
            connection = Connection(address, timeout=1.0, keep_body=True)
            try:
                response = await connection.request(encode_request(address, path, {}))
            except RequestFailed:
                await asyncio.sleep(0.05)
            else:
                assert response.body == _BODY  # noqa: S101 - else the comparison means nothing
                return
            finally:
                connection.close()


async def _compare(addresses: dict[str, Address]) -> list[float]:
    """The ratio of requests/s, chassis over bare, of each pair of blocks."""
    requests = {
        variant: [encode_request(address, PATHS[variant], {})]
        for variant, address in addresses.items()
    }
    rates: dict[tuple[int, str], float] = {}
    for variant, address in addresses.items():
        await _answers(address, PATHS[variant])
        await ATTACK.run(address, requests[variant])
    for block in interleaved(("bare", "chassis"), PAIRS, Random(1)):
        tally = await ATTACK.run(addresses[block.variant], requests[block.variant])
        if tally.errors:
            raise RequestFailed(tally.first_error)
        rates[block.pair, block.variant] = tally.requests_per_second
    return [rates[pair, "chassis"] / rates[pair, "bare"] for pair in range(PAIRS)]


async def _measure() -> list[float]:
    addresses, children = {}, []
    for variant in PATHS:
        port = free_port()
        addresses[variant] = Address("127.0.0.1", port)
        arguments = (sys.executable, "-m", "benchmarks.chassis", variant, str(port))
        children.append(await asyncio.create_subprocess_exec(*arguments))
    try:
        return await _compare(addresses)
    finally:
        for child in children:
            child.terminate()
            await child.wait()


def main() -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        match sys.argv[1:]:
            case ["bare", port]:
                runner.run(_serve_bare(int(port)))
            case ["chassis", port]:
                runner.run(_serve_chassis(int(port)))
            case _:
                sys.exit(_report(runner.run(_measure())))


def _report(ratios: list[float]) -> int:
    found = speedup(ratios, Random(1))
    ratio = median(ratios)
    print(  # noqa: T201 - what the command is for
        f"requests/s in the chassis over bare aiohttp: median {ratio:.2f} of {len(ratios)} pairs of"
        f" blocks (mean {found.estimate:.2f}, 95 % interval {found.low:.2f}–{found.high:.2f}),"
        f" promised: at least {PROMISED_RATIO}"
    )
    return 0 if ratio >= PROMISED_RATIO else 1


if __name__ == "__main__":
    main()
