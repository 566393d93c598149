"""Claims about asynchronous logging: cost per record, a hanging sink, shutdown under load."""

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Literal

from aiohttp import web

from benchmarks.techniques.claim import Claim, seconds_of
from loadgen.sending.attack import Attack, ClosedLoop, OpenLoop
from loadgen.sending.connection import Address, encode_request
from services.async_logging import naive, optimized, queue_listener, task_per_record
from services.async_logging.app import create
from services.async_logging.bound_fields import bind_fields, bound_fields
from services.async_logging.log_record import Level, Record
from services.async_logging.record_counter import RECORDS
from services.async_logging.request_log import RequestLog
from services.local.ports import HOST, free_port
from services.local.process import Command, Process
from services.local.server_probe import service_is_ready, wait_until
from services.settings import Settings, environment_of

RECORDS_PER_REQUEST = 10
PAIRS = 40
#: Requests per block, by sink. Fewer with fsync, because each record costs one.
REQUESTS = {"file": 200, "fsync": 30}
#: Seconds per block of load, and pairs of blocks. The sink hangs for more than five seconds.
STALL_BLOCK = 1.0
STALL_PAIRS = 8
#: Requests per second, far below the capacity of a service: the p99 must not show queueing.
STALL_RATE = 200.0
CLIENTS = 8
#: Records per request during shutdown: enough that some are in the queue at any moment.
MANY_RECORDS = 100


async def claims(settings: Settings) -> AsyncIterator[Claim]:
    with TemporaryDirectory(prefix="async-logging-") as folder:
        changed = settings.model_copy(update={"log_directory": Path(folder)})
        async with _application(changed) as application:
            async for claim in _costs_of_a_record(application):
                yield claim
    yield await _stalled()
    for variant in ("optimized", "queue", "aiologger"):
        yield await _stopped(variant)


@asynccontextmanager
async def _application(settings: Settings) -> AsyncIterator[web.Application]:
    runner = web.AppRunner(create(settings), access_log=None)
    await runner.setup()
    assert runner.app is not None  # noqa: S101 - passed to the constructor
    yield runner.app
    await runner.cleanup()


# ── Event loop time per record ────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Arm:
    """The time of `hand_over` is measured. `settled` waits for the writes that follow it."""

    application: web.Application
    variant: str
    hand_over: Callable[[], Awaitable[None]]

    async def settled(self) -> None:
        async def all_written() -> bool:
            counts = self.application[RECORDS].totals()[self.variant]
            return counts["accepted"] == counts["written"] + counts["failed"]

        await wait_until(all_written)


async def _costs_of_a_record(application: web.Application) -> AsyncIterator[Claim]:
    bounds: dict[tuple[str, str], tuple[Literal["at least", "at most"], float]] = {
        ("optimized", "file"): ("at most", 0.5),
        ("optimized", "fsync"): ("at most", 0.1),
        ("queue", "file"): ("at most", 1.0),
        ("queue", "fsync"): ("at most", 0.3),
        ("aiologger", "file"): ("at least", 1.0),
        ("aiologger", "fsync"): ("at most", 1.5),
    }
    for (variant, sink), (side, bound) in bounds.items():
        records = REQUESTS[sink] * RECORDS_PER_REQUEST
        one, naive_one = (_arm(application, name, sink) for name in (variant, "naive"))
        ratio, microseconds = await _compare(one, naive_one, records)
        evidence = f"{microseconds} µs; {PAIRS} pairs of {records} records"
        promise = f"event loop time per record of {variant}, over naive, sink {sink}"
        yield Claim(promise, ratio, side, bound, "×", evidence)


async def _compare(first: Arm, second: Arm, records: int) -> tuple[float, str]:
    """Median ratio over pairs of blocks in alternating order, and both costs in µs per record."""
    seconds: dict[str, list[float]] = {first.variant: [], second.variant: []}
    for pair in range(PAIRS):
        for arm in (first, second) if pair % 2 else (second, first):
            seconds[arm.variant].append(await seconds_of(arm.hand_over))
            await arm.settled()
    pairs = zip(*seconds.values(), strict=True)
    microseconds = " to ".join(f"{median(each) / records * 1e6:.3g}" for each in seconds.values())
    return median(one / other for one, other in pairs), microseconds


def _arm(application: web.Application, variant: str, sink: str) -> Arm:
    logs: dict[str, Callable[[], Awaitable[None]]] = {
        "naive": lambda: _into_naive(application, sink),
        "optimized": lambda: _into_optimized(application, sink),
        "queue": lambda: _into(application[queue_listener.QUEUED_LOGGERS][sink].log),
        "aiologger": lambda: _into(application[task_per_record.TASK_LOGGERS][sink].log),
    }
    log = logs[variant]

    async def hand_over() -> None:
        others = asyncio.all_tasks()
        for _ in range(REQUESTS[sink]):
            with bind_fields({"request_id": "the-request", "url.path": "/async-logging/naive"}):
                await log()
        # aiologger's tasks have not run yet. Their time belongs to the cost of a record.
        await asyncio.gather(*(asyncio.all_tasks() - others))

    return Arm(application, variant, hand_over)


def _records() -> list[Record]:
    return [
        Record(datetime.now(UTC), Level.INFO, "order checked", {**bound_fields(), "step": step})
        for step in range(RECORDS_PER_REQUEST)
    ]


async def _into(log: Callable[[Record], object]) -> None:
    for record in _records():
        log(record)


async def _into_naive(application: web.Application, sink: str) -> None:
    counts, logger = application[naive.COUNTS], application[naive.LOGGERS][sink]
    for record in _records():
        counts.accepted(1)
        logger.info(record)


async def _into_optimized(application: web.Application, sink: str) -> None:
    lines, rules = application[optimized.PIPELINES][sink].queue, application[optimized.RULES]
    async with RequestLog("the-request", lines, rules, monotonic) as request_log:
        for record in _records():
            request_log.log(record)


# ── Separate processes: a hanging sink, shutdown under load ───────────────────────────────────────


@asynccontextmanager
async def _service(folder: Path) -> AsyncIterator[tuple[Address, Process]]:
    port = free_port()
    command = Command(
        "async-logging",
        [sys.executable, "-m", "services", "async-logging"],
        environment_of(
            {
                "port": port,
                "log_directory": folder,
                "log_queue_size": 100_000,
                "log_drain_seconds": 20,
            }
        ),
        stop_seconds=30,
    )
    process = await Process.start(command, folder / "service.log")
    try:
        async with asyncio.timeout(60):
            await wait_until(service_is_ready(f"http://{HOST}:{port}"))
        yield Address(HOST, port), process
    finally:
        await process.stop()


def _request(address: Address, variant: str, records: int) -> list[bytes]:
    target = f"/async-logging/{variant}?records={records}"
    return [encode_request(address, target, {})]


async def _stalled() -> Claim:
    with TemporaryDirectory() as normal, TemporaryDirectory() as stalled:
        os.mkfifo(Path(stalled) / "records-optimized.log")  # has no reader, so writes hang
        async with (
            _service(Path(normal)) as (of_normal, _),
            _service(Path(stalled)) as (of_stalled, _),
        ):
            ratios = [await _p99_ratio(of_stalled, of_normal, pair) for pair in range(STALL_PAIRS)]
    return Claim(
        "p99 of requests while the sink hangs, over p99 while the sink writes",
        median(ratios),
        "at most",
        2.0,
        "×",
        f"{STALL_PAIRS} pairs of {STALL_BLOCK:g} s at {STALL_RATE:g} requests/s",
    )


async def _p99_ratio(stalled: Address, normal: Address, pair: int) -> float:
    p99: dict[Address, float] = {}
    for address in (stalled, normal) if pair % 2 else (normal, stalled):
        attack = Attack(OpenLoop(STALL_RATE), STALL_BLOCK)
        tally = await attack.run(address, _request(address, "optimized", RECORDS_PER_REQUEST))
        assert not tally.errors, tally.first_error  # noqa: S101 - else the ratio means nothing
        p99[address] = tally.latencies.quantile(0.99)
    return p99[stalled] / p99[normal]


async def _stopped(variant: str) -> Claim:
    """Send SIGTERM under load, and compare the service's count of accepted records with the files.

    aiologger's bound is a lower one: the card says that it loses records. If this claim fails,
    rewrite the card.
    """
    with TemporaryDirectory() as name:
        folder = Path(name)
        async with _service(folder) as (address, process):
            attack = Attack(ClosedLoop(CLIENTS), 2.0, timeout=5.0)
            load = asyncio.create_task(
                attack.run(address, _request(address, variant, MANY_RECORDS))
            )
            await asyncio.sleep(1.0)
            os.kill(process.pid, signal.SIGTERM)
            await process.wait()
            await load
        accepted, written = _accepted_and_written(folder, variant)
    return Claim(
        f"accepted records that {variant} loses at SIGTERM under load",
        accepted - written,
        "at least" if variant == "aiologger" else "at most",
        1 if variant == "aiologger" else 0,
        "records",
        f"of {accepted} accepted; {CLIENTS} clients, SIGTERM after 1 s",
    )


def _accepted_and_written(folder: Path, variant: str) -> tuple[int, int]:
    """The count in the last lines of the service's log, and the number of lines in its files."""
    logged = re.findall(
        rf"records of {variant}: (\d+)", (folder / "service.log").read_text("utf-8")
    )
    lines = sum(each.read_bytes().count(b"\n") for each in folder.glob("records-*"))
    return int(logged[-1]), lines
