"""`make bench-loadgen`: compare the speed of the load generator with wrk and Locust.

A slow load generator would measure itself instead of the service. The closed loop of loadgen,
`wrk -t1` and Locust's FastHttpUser load the same bare aiohttp server with the same number of
connections. They take turns in random order, in many short blocks. A ratio is the median over pairs
of neighbouring blocks, which is stable on a noisy machine.

The benchmark waits for moments in which other processes leave the machine alone, and drops blocks
in which they did not. If five minutes are not enough, all blocks count and a line says so.

Exit code 1: a ratio is not as promised. The benchmark finds wrk in PATH, and Locust in PATH or
through the environment variable LOCUST. A missing tool is left out with a message.
"""

import asyncio
import os
import re
import shutil
import sys
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from pathlib import Path
from random import Random
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

import orjson
import uvloop

from benchmarks import bare
from benchmarks.bare import Server
from loadgen.experiment.plan import interleaved
from loadgen.sending.attack import Attack, ClosedLoop, LoadResult
from loadgen.sending.connection import Address, RequestFailed, encode_request

CONNECTIONS = 16
#: The median of many short pairs tolerates a few pairs disturbed by other processes. Locust starts
#: slowly and is far from its promised limit, so each round has only one longer block of it.
ROUNDS = 8
PAIRS_PER_ROUND = 6
BLOCK_SECONDS = 1
#: Share of the machine that other processes may take in a quiet block.
QUIET_SHARE = 0.1
#: Rounds are added until there are this many quiet pairs, or until the time limit.
QUIET_PAIRS = 36
MEASURING_SECONDS = 300
LOCUST_SECONDS = 4

PROMISED_OF_WRK = 0.8
PROMISED_OF_LOCUST = 3.0
PROMISED_LATENCY_RATIO = (0.9, 1.1)

_LOCUST_USER = f"""
from locust import FastHttpUser, task

class User(FastHttpUser):
    @task
    def get(self):
        self.client.get({bare.PATH!r})
"""
_MACHINE = Path("/proc/stat")
_LOOK_SECONDS = 0.25
_WRK_LATENCY = re.compile(rb"^ +(50|99)% +([0-9.]+)(us|ms|s)$", re.MULTILINE)
_WRK_RATE = re.compile(rb"^Requests/sec: +([0-9.]+)$", re.MULTILINE)
_WRK_UNITS = {b"us": 1e-6, b"ms": 1e-3, b"s": 1.0}


@dataclass(frozen=True, slots=True)
class Figures:
    """One block: requests/s, latencies in seconds. Those of Locust (whole ms) are not read."""

    rate: float
    p50: float = 0.0
    p99: float = 0.0
    #: Share of the machine that processes outside the benchmark took.
    others_share: float = 0.0

    @property
    def is_quiet(self) -> bool:
        return self.others_share <= QUIET_SHARE


@dataclass(frozen=True, slots=True)
class Ratio:
    """A promised ratio, and its value in each pair of neighbouring blocks."""

    name: str
    values: Sequence[float]
    at_least: float
    at_most: float = float("inf")

    @property
    def is_kept(self) -> bool:
        return self.at_least <= median(self.values) <= self.at_most

    def __str__(self) -> str:
        values = sorted(self.values)
        low, high = values[len(values) // 4], values[-1 - len(values) // 4]
        most = f" and at most {self.at_most:g}" if self.at_most < float("inf") else ""
        return (
            f"{self.name}: median {median(values):.2f} of {len(values)} pairs"
            f" (half of them from {low:.2f} to {high:.2f}),"
            f" promised: at least {self.at_least:g}{most}: {'kept' if self.is_kept else 'MISSED'}"
        )


async def _loadgen(address: Address) -> Figures:
    attack = Attack(ClosedLoop(CONNECTIONS), BLOCK_SECONDS)
    result = await attack.run(address, [encode_request(address, bare.PATH, {})])
    if result.errors:
        raise RequestFailed(result.first_error)
    p50, p99 = _as_wrk_reports(result)
    return Figures(result.requests_per_second, p50, p99)


def _as_wrk_reports(result: LoadResult) -> tuple[float, float]:
    """Median and 99th percentile of the latencies by wrk's definition.

    wrk adds latencies that it did not measure. For each latency over twice the mean, wrk adds those
    of the requests that a client could have sent meanwhile. We apply the same correction to our
    latencies, so that both p99 are the same quantity.
    """
    expected = result.seconds / (result.answered // CONNECTIONS)
    counts = []
    for latency, count in result.latencies.buckets():
        steps = max(1, int(latency / expected)) if latency >= 2 * expected else 1
        counts += [(latency - step * expected, count) for step in range(steps)]
    counts.sort()
    total = sum(count for _, count in counts)
    return _quantile(counts, 0.5 * total), _quantile(counts, 0.99 * total)


def _quantile(counts: Sequence[tuple[float, int]], rank: float) -> float:
    seen = 0
    for latency, count in counts:
        seen += count
        if seen >= rank:
            return latency
    raise ValueError("no latencies")


async def _wrk(program: str, address: Address) -> Figures:
    output = await _output(
        program, "-t1", f"-c{CONNECTIONS}", f"-d{BLOCK_SECONDS}s", "--latency",
        f"{address}{bare.PATH}",
    )  # fmt: skip
    rate = _WRK_RATE.search(output)
    latencies = [float(value) * _WRK_UNITS[unit] for _, value, unit in _WRK_LATENCY.findall(output)]
    if not rate or len(latencies) != 2 or b"errors" in output or b"Non-2xx" in output:
        raise RequestFailed(f"wrk: {output.decode()}")
    return Figures(float(rate[1]), *latencies)


async def _locust(program: str, address: Address) -> Figures:
    with TemporaryDirectory() as folder:
        users = Path(folder) / "users.py"
        users.write_text(_LOCUST_USER, "utf-8")
        output = await _output(
            program, "--headless", "--json", "--only-summary", "--loglevel", "ERROR",
            "--locustfile", str(users), "--host", str(address),
            "--users", str(CONNECTIONS), "--spawn-rate", str(CONNECTIONS),
            "--run-time", f"{LOCUST_SECONDS}s",
        )  # fmt: skip
    (entry,) = orjson.loads(output)
    if entry["num_failures"] or not entry["num_requests"]:
        raise RequestFailed(f"Locust: {output.decode()}")
    return Figures(entry["num_requests"] / (entry["last_request_timestamp"] - entry["start_time"]))


async def _output(program: str, *arguments: str) -> bytes:
    child = await asyncio.create_subprocess_exec(
        program, *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    output, errors = await child.communicate()
    if child.returncode:
        raise RequestFailed(f"{program}: exit code {child.returncode}: {errors.decode()}")
    return output


Tool = Callable[[Address], Awaitable[Figures]]
#: The figures of neighbouring blocks by tool.
Pair = dict[str, Figures]
#: Pairs; one of them has a block of Locust too.
Round = list[Pair]


def _tools() -> dict[str, Tool]:
    """The installed tools by name. Prints a line for each missing one."""
    tools: dict[str, Tool] = {"loadgen": _loadgen}
    if wrk := shutil.which("wrk"):
        tools["wrk"] = partial(_wrk, wrk)
    else:
        _print("wrk is not installed and is left out; on Debian: apt install wrk")
    if locust := shutil.which(os.environ.get("LOCUST", "locust")):
        tools["Locust"] = partial(_locust, locust)
    else:
        _print("Locust is not found and is left out; set LOCUST to the path of its program")
    return tools


async def _measure(tools: Mapping[str, Tool]) -> list[Round]:
    random = Random(1)
    rounds: list[Round] = []
    async with bare.running("benchmarks.bare", bare.PATH) as server:
        for tool in tools.values():
            await tool(server.address)  # warm up
        deadline = perf_counter() + MEASURING_SECONDS
        while len(rounds) < ROUNDS or (
            len(_quiet(rounds)) < QUIET_PAIRS and perf_counter() < deadline
        ):
            rounds.append(await _round(tools, server, random, deadline))
    return rounds


async def _round(
    tools: Mapping[str, Tool], server: Server, random: Random, deadline: float
) -> Round:
    """Run pairs of loadgen and wrk, and one block of Locust at a random place between them."""
    paired = tuple(tool for tool in tools if tool != "Locust")
    plan = [(block.pair, block.arm) for block in interleaved(paired, PAIRS_PER_ROUND, random)]
    if "Locust" in tools:
        plan.insert(random.randrange(len(plan) + 1), (0, "Locust"))
    pairs: Round = [{} for _ in range(PAIRS_PER_ROUND)]
    for pair, tool in plan:
        if not pairs[pair]:
            await _wait_for_quiet(server, deadline)
        pairs[pair][tool] = await _run_block(tools[tool], server)
    return pairs


async def _wait_for_quiet(server: Server, deadline: float) -> None:
    while perf_counter() < deadline:
        others = _others_seconds(server)
        await asyncio.sleep(_LOOK_SECONDS)
        if _share(_others_seconds(server) - others, _LOOK_SECONDS) <= QUIET_SHARE:
            return


async def _run_block(tool: Tool, server: Server) -> Figures:
    """Run one block and add the share of the machine that other processes took."""
    begin, others = perf_counter(), _others_seconds(server)
    figures = await tool(server.address)
    share = _share(_others_seconds(server) - others, perf_counter() - begin)
    return replace(figures, others_share=share)


def _share(processor_seconds: float, seconds: float) -> float:
    return processor_seconds / (seconds * (os.cpu_count() or 1))


def _others_seconds(server: Server) -> float:
    """Processor seconds of the machine without this process, its children and the server."""
    if not _MACHINE.exists():
        return 0.0
    user, nice, system, _, _, _, _, stolen = map(int, _MACHINE.read_text().split()[1:9])
    # The process name is in brackets and may contain spaces.
    fields = Path(f"/proc/{server.process}/stat").read_text().rpartition(")")[2].split()
    ticks = user + nice + system + stolen - sum(map(int, fields[11:13]))
    return ticks / os.sysconf("SC_CLK_TCK") - sum(os.times()[:4])


def _quiet(rounds: Sequence[Round]) -> list[Pair]:
    return [
        pair
        for pair in chain.from_iterable(rounds)
        if all(figures.is_quiet for tool, figures in pair.items() if tool != "Locust")
    ]


def _ratios(rounds: Sequence[Round], pairs: Sequence[Pair], tools: Collection[str]) -> list[Ratio]:
    def over_wrk(figure: str) -> list[float]:
        return [getattr(pair["loadgen"], figure) / getattr(pair["wrk"], figure) for pair in pairs]

    ratios = []
    if "wrk" in tools:
        ratios += [
            Ratio("requests/s, loadgen over wrk", over_wrk("rate"), PROMISED_OF_WRK),
            Ratio("p50, loadgen over wrk", over_wrk("p50"), *PROMISED_LATENCY_RATIO),
            Ratio("p99, loadgen over wrk", over_wrk("p99"), *PROMISED_LATENCY_RATIO),
        ]
    if "Locust" in tools:
        values = [_rate(pairs, "loadgen") / _rate(pairs, "Locust") for pairs in rounds]
        ratios.append(Ratio("requests/s, loadgen over Locust", values, PROMISED_OF_LOCUST))
    return ratios


def _rate(pairs: Sequence[Pair], tool: str) -> float:
    return median(pair[tool].rate for pair in pairs if tool in pair)


def _report(rounds: Sequence[Round], tools: Collection[str]) -> int:
    pairs = _counted_pairs(rounds)
    for tool in tools:
        figures = [pair[tool] for pair in chain.from_iterable(rounds) if tool in pair]
        line = f"{tool:8} {median(one.rate for one in figures):7.0f} requests/s"
        if figures[0].p50:
            line += f", p50 {median(one.p50 for one in figures) * 1e3:.3f} ms"
            line += f", p99 {median(one.p99 for one in figures) * 1e3:.3f} ms"
        _print(line)
    ratios = _ratios(rounds, pairs, tools)
    for ratio in ratios:
        _print(str(ratio))
    return 0 if all(ratio.is_kept for ratio in ratios) else 1


def _counted_pairs(rounds: Sequence[Round]) -> list[Pair]:
    everything, quiet = list(chain.from_iterable(rounds)), _quiet(rounds)
    _print(
        f"{len(quiet)} of {len(everything)} pairs of blocks were quiet: other processes took at"
        f" most {QUIET_SHARE:.0%} of the machine"
    )
    if len(quiet) >= QUIET_PAIRS:
        return quiet
    _print("too few, so all pairs count: other processes may be the cause of a missed promise")
    return everything


def _print(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - the output of the command


def main() -> None:
    tools = _tools()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        sys.exit(_report(runner.run(_measure(tools)), tools))


if __name__ == "__main__":
    main()
