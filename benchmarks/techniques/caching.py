"""Caching: the cost of a hit over a bare GET, and latency before, during and after an outage."""

import asyncio
import contextlib
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from statistics import median, quantiles
from time import perf_counter

import aiohttp

from benchmarks.techniques.claim import Claim, ratio_of, seconds_of
from services.caching.background import Background
from services.caching.cache import Cache
from services.caching.cache_policy import CachePolicy
from services.caching.circuit_breaker import CircuitBreaker
from services.caching.epoch import Epoch
from services.caching.leased_loader import LoadReason
from services.caching.store import Namespace, Store
from services.chassis.redis_client import connect
from services.local.data_servers import valkey_command
from services.local.ports import HOST, free_port
from services.local.process import Command, Process
from services.local.server_probe import service_is_ready, valkey_answers, wait_until
from services.settings import Settings, environment_of

_KEY = "key"
_PAGE = b"x" * 2_000
_CLIENTS = 16
_MEAN_PAUSE_SECONDS = 0.04
_WRITES = 0.1
_OUTAGE_SECONDS = 5.0
_POSTS = 200
_POLICY = CachePolicy(
    lifetime=600,
    stale_lifetime=30,
    absent_lifetime=5,
    lease_seconds=2,
    fence_seconds=30,
    serve_unverified=False,
    source_errors=(TimeoutError,),
)


async def claims(settings: Settings) -> AsyncIterator[Claim]:
    async with _core(settings) as cache:
        yield await _hit_against_get(settings, cache)
        yield await _many_misses(cache)
    async with _core(settings.model_copy(update={"redis_port": 1})) as cache:
        yield await _open_breaker(cache)
    async for claim in _outage(settings):
        yield claim


class _SilentObserver:
    def loaded(self, reason: LoadReason) -> None:
        pass


@asynccontextmanager
async def _core(settings: Settings) -> AsyncIterator[Cache]:
    async def epoch() -> int:
        return 1

    background = Background()
    redis = connect(settings)
    breaker = CircuitBreaker(5, 0.5, lambda state: None)
    yield Cache(
        Store(redis, Namespace("benchmark", 1), breaker, background),
        Epoch(epoch, epoch, settings.cache_epoch_age, 1, background),
        _POLICY,
        background,
        _SilentObserver(),
    )
    await background.close()
    await redis.aclose()


async def _load() -> bytes:
    await asyncio.sleep(0.001)
    return _PAGE


async def _hit_against_get(settings: Settings, cache: Cache) -> Claim:
    redis = connect(settings)
    await redis.set("bare", _PAGE)
    await cache.get(_KEY, _load)

    async def hits() -> None:
        for _ in range(500):
            await cache.get(_KEY, _load)

    async def gets() -> None:
        for _ in range(500):
            await redis.get("bare")

    ratio = await ratio_of(hits, gets, pairs=20)
    await redis.aclose()
    return Claim(
        "time of a hit, relative to a bare GET", ratio, "at most", 1.25, "×", "20 pairs of 500"
    )


async def _many_misses(cache: Cache) -> Claim:
    loads = 0

    async def load() -> bytes:
        nonlocal loads
        loads += 1
        return await _load()

    seconds = await seconds_of(
        lambda: asyncio.gather(*(cache.get("cold", load) for _ in range(1_000)))
    )
    evidence = f"all callers were answered in {seconds * 1e3:.0f} ms"
    return Claim(
        "loads for 1,000 concurrent misses of one key", loads, "at most", 1, "loads", evidence
    )


async def _open_breaker(cache: Cache) -> Claim:
    for _ in range(10):
        await cache.get(_KEY, _load)
    extra = []
    for _ in range(500):
        with_cache = await seconds_of(lambda: cache.get(_KEY, _load))
        extra.append(with_cache - await seconds_of(_load))
    p99 = quantiles(extra, n=100)[98] * 1e3
    return Claim(
        "added latency of a request while the breaker is open",
        p99,
        "at most",
        5,
        "ms",
        "p99 over 500",
    )


@dataclass
class _Measured:
    """Seconds of each read and write, and the number of failed requests."""

    reads: list[float] = field(default_factory=list)
    writes: list[float] = field(default_factory=list)
    failures: int = 0


async def _outage(settings: Settings) -> AsyncIterator[Claim]:
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        changed = {name: getattr(settings, name) for name in settings.model_fields_set}
        async with (
            _valkey(port, Path(folder)) as first,
            _service({**changed, "redis_port": port}, Path(folder)) as address,
            aiohttp.ClientSession(address) as session,
        ):
            before = await _drive(session, lambda: asyncio.sleep(_OUTAGE_SECONDS))
            first._child.kill()  # noqa: SLF001 - a crash, not a clean stop
            down = await _drive(session, lambda: asyncio.sleep(_OUTAGE_SECONDS))
            async with _valkey(port, Path(folder)):
                returned_at = perf_counter()
                after = await _drive(session, lambda: _ten_more_hits(session))
                recovery_seconds = perf_counter() - returned_at
    for name, measured in (("Redis up", before), ("Redis down", down)):
        both = measured.reads + measured.writes
        evidence = (
            f"{name}, {len(both)} requests, one in ten a write: p50 of reads"
            f" {median(measured.reads) * 1e3:.1f}, p99 {_p99(measured.reads):.1f}; p50 of writes"
            f" {median(measured.writes) * 1e3:.1f}, p99 {_p99(measured.writes):.1f} ms"
        )
        yield Claim(f"p99 with {name}", _p99(both), "at most", 50, "ms", evidence)
    failures = before.failures + down.failures + after.failures
    yield Claim(
        "requests that failed", failures, "at most", 0, "", "before, during and after the outage"
    )
    yield Claim(
        "time from Redis's return to ten further hits",
        recovery_seconds,
        "at most",
        5,
        "s",
        "polled every 50 ms",
    )


def _p99(seconds: list[float]) -> float:
    return quantiles(seconds, n=100)[98] * 1e3


async def _drive(
    session: aiohttp.ClientSession, duration: Callable[[], Awaitable[object]]
) -> _Measured:
    measured = _Measured()
    clients = [
        asyncio.create_task(_client(session, Random(each), measured)) for each in range(_CLIENTS)
    ]
    await duration()
    for client in clients:
        client.cancel()
    await asyncio.gather(*clients, return_exceptions=True)
    return measured


async def _client(session: aiohttp.ClientSession, random: Random, measured: _Measured) -> None:
    while True:
        await asyncio.sleep(random.random() * 2 * _MEAN_PAUSE_SECONDS)
        number = random.randint(1, _POSTS)
        started = perf_counter()
        if random.random() < _WRITES:
            status = await _write(session, number, random)
            measured.writes.append(perf_counter() - started)
        else:
            status = await _read(session, number)
            measured.reads.append(perf_counter() - started)
        measured.failures += status != 200


async def _read(session: aiohttp.ClientSession, number: int) -> int:
    async with session.get("/caching/optimized", params={"id": number}) as response:
        await response.read()
        return response.status


async def _write(session: aiohttp.ClientSession, number: int, random: Random) -> int:
    body = {"title": f"title {random.random()}"}
    async with session.put(f"/caching/posts/{number}", json=body) as response:
        await response.read()
        return response.status


async def _ten_more_hits(session: aiohttp.ClientSession) -> None:
    first = await _hits(session)
    while await _hits(session) < first + 10:  # noqa: ASYNC110 - metrics have to be polled
        await asyncio.sleep(0.05)


async def _hits(session: aiohttp.ClientSession) -> float:
    name = 'cache_requests_total{result="hit",technique="caching",variant="optimized"}'
    async with session.get("/metrics") as response:
        text = await response.text()
    return next(
        float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith(name)
    )


@asynccontextmanager
async def _valkey(port: int, folder: Path) -> AsyncIterator[Process]:
    async with _process(valkey_command(port, folder), folder) as process:
        await wait_until(valkey_answers(port))
        yield process


@asynccontextmanager
async def _service(changed: dict[str, object], folder: Path) -> AsyncIterator[str]:
    port = free_port()
    command = Command(
        name="caching",
        arguments=[sys.executable, "-m", "services", "caching"],
        environment=environment_of({**changed, "port": port}),
    )
    address = f"http://{HOST}:{port}"
    async with _process(command, folder):
        await wait_until(service_is_ready(address))
        yield address


@asynccontextmanager
async def _process(command: Command, folder: Path) -> AsyncIterator[Process]:
    process = await Process.start(command, folder / f"{command.name}.log")
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            await process.stop()
