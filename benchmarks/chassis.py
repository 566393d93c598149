"""`make bench-chassis`: requests per second in the chassis, divided by those of bare aiohttp.

Both servers run in separate processes on uvloop and send the same bytes. Blocks of load alternate
in random order, so the ratio is stable on a noisy machine. Exits with 1 below PROMISED_RATIO.
"""

import asyncio
import sys
from random import Random
from statistics import median

import uvloop

from benchmarks import bare
from loadgen.experiment.plan import interleaved
from loadgen.judging.estimate import speedup
from loadgen.sending.attack import Attack, ClosedLoop
from loadgen.sending.connection import Address, RequestFailed, encode_request
from services.chassis.application import create_service
from services.chassis.serve import serve
from services.contract import Sweep, Technique, Variant, Workload
from services.settings import load_settings

PROMISED_RATIO = 0.75
#: Many short pairs: a burst of other work on the machine spoils a few pairs, but not their median.
PAIRS = 40
ATTACK = Attack(ClosedLoop(16), duration=0.4)

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
    sweep=Sweep("concurrency", (1, 16), "From one client to many."),
)
#: The path of each variant.
PATHS = {"bare": bare.PATH, "chassis": "/bare/chassis"}


async def _serve_chassis(port: int) -> None:
    settings = load_settings()
    await serve(create_service(_TECHNIQUE, settings, {"chassis": bare.hello}), settings, port)


async def _compare(addresses: dict[str, Address]) -> list[float]:
    """The ratio of requests per second, chassis to bare, for each pair of blocks."""
    requests = {
        variant: [encode_request(address, PATHS[variant], {})]
        for variant, address in addresses.items()
    }
    rates: dict[tuple[int, str], float] = {}
    for variant, address in addresses.items():
        await ATTACK.run(address, requests[variant])
    for block in interleaved(("bare", "chassis"), PAIRS, Random(1)):
        tally = await ATTACK.run(addresses[block.arm], requests[block.arm])
        if tally.errors:
            raise RequestFailed(tally.first_error)
        rates[block.pair, block.arm] = tally.requests_per_second
    return [rates[pair, "chassis"] / rates[pair, "bare"] for pair in range(PAIRS)]


async def _measure() -> list[float]:
    async with (
        bare.running("benchmarks.bare", PATHS["bare"]) as plain,
        bare.running("benchmarks.chassis", PATHS["chassis"], "chassis") as chassis,
    ):
        return await _compare({"bare": plain.address, "chassis": chassis.address})


def main() -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        match sys.argv[1:]:
            case ["chassis", port]:
                runner.run(_serve_chassis(int(port)))
            case _:
                sys.exit(_report(runner.run(_measure())))


def _report(ratios: list[float]) -> int:
    found = speedup(ratios)
    ratio = median(ratios)
    print(  # noqa: T201 - the output of the command
        "requests/s in the chassis divided by bare aiohttp:"
        f" median {ratio:.2f} of {len(ratios)} pairs of blocks"
        f" (mean {found.estimate:.2f}, 95 % interval {found.low:.2f}–{found.high:.2f}),"
        f" promised: at least {PROMISED_RATIO}"
    )
    return 0 if ratio >= PROMISED_RATIO else 1


if __name__ == "__main__":
    main()
