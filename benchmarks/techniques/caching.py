"""Caching: what a hit costs beside a bare GET, and what is felt of a Redis that dies."""

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
from services.caching.cache import Cache, Lifetimes, Reason
from services.caching.circuit_breaker import CircuitBreaker
from services.caching.epoch import Epoch
from services.caching.namespace import Namespace
from services.caching.store import Store
from services.chassis.redis_client import connect
from services.local.data_servers import valkey_command
from services.local.ports import HOST, free_port
from services.local.process import Command, Process
from services.local.server_probe import service_is_ready, valkey_answers, wait_until
from services.settings import Settings, environment_of

_KEY = "key"
_PAGE = b"x" * 2_000
_CLIENTS = 16
_THINKING_SECONDS = 0.04
_WRITES = 0.1
_OUTAGE_SECONDS = 5.0
_POSTS = 200


async def claims(settings: Settings) -> AsyncIterator[Claim]:
    async with _core(settings) as cache:
        yield await _hit_against_get(settings, cache)
        yield await _many_misses(cache)
    async with _core(settings.model_copy(update={"redis_port": 1})) as cache:
        yield await _open_breaker(cache)
    async for claim in _outage(settings):
        yield claim


class _Nobody:
    def loaded(self, reason: Reason) -> None:
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
        Lifetimes(fresh=600, stale=30, absent=5, lease=2, fence=30),
        background,
        _Nobody(),
        (TimeoutError,),
        serve_unverified=False,
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
        "a hit costs little beside a bare GET", ratio, "at most", 1.25, "×", "20 pairs of 500"
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
    evidence = f"all answered in {seconds * 1e3:.0f} ms"
    return Claim(
        "1,000 misses of one key at once are one load", loads, "at most", 1, "loads", evidence
    )


async def _open_breaker(cache: Cache) -> Claim:
    for _ in range(10):
        await cache.get(_KEY, _load)
    extra = []
    for _ in range(500):
        with_cache = await seconds_of(lambda: cache.get(_KEY, _load))
        extra.append(with_cache - await seconds_of(_load))
    p99 = quantiles(extra, n=100)[98] * 1e3
    return Claim("an open breaker costs a request", p99, "at most", 5, "ms", "p99 over 500")


@dataclass
class _Seen:
    """Seconds by kind of request, and how many were not answered with success."""

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
            first._child.kill()  # noqa: SLF001 - as the kernel would, without asking
            down = await _drive(session, lambda: asyncio.sleep(_OUTAGE_SECONDS))
            async with _valkey(port, Path(folder)):
                back = perf_counter()
                after = await _drive(session, lambda: _hits_again(session))
                seconds = perf_counter() - back
    for name, seen in (("Redis up", before), ("Redis down", down)):
        both = seen.reads + seen.writes
        evidence = (
            f"{name}, {len(both)} requests, one in ten a write: p50 of reads"
            f" {median(seen.reads) * 1e3:.1f}, p99 {_p99(seen.reads):.1f}; p50 of writes"
            f" {median(seen.writes) * 1e3:.1f}, p99 {_p99(seen.writes):.1f} ms"
        )
        yield Claim(f"p99 with {name}", _p99(both), "at most", 50, "ms", evidence)
    failures = before.failures + down.failures + after.failures
    yield Claim("requests that failed", failures, "at most", 0, "", "before, meanwhile and after")
    yield Claim("hits again after Redis's return", seconds, "at most", 5, "s", "ten hits seen")


def _p99(seconds: list[float]) -> float:
    return quantiles(seconds, n=100)[98] * 1e3


async def _drive(session: aiohttp.ClientSession, lasting: Callable[[], Awaitable[object]]) -> _Seen:
    seen = _Seen()
    clients = [
        asyncio.create_task(_client(session, Random(each), seen)) for each in range(_CLIENTS)
    ]
    await lasting()
    for client in clients:
        client.cancel()
    await asyncio.gather(*clients, return_exceptions=True)
    return seen


async def _client(session: aiohttp.ClientSession, random: Random, seen: _Seen) -> None:
    while True:
        await asyncio.sleep(random.random() * 2 * _THINKING_SECONDS)
        number = random.randint(1, _POSTS)
        started = perf_counter()
        if random.random() < _WRITES:
            status = await _write(session, number, random)
            seen.writes.append(perf_counter() - started)
        else:
            status = await _read(session, number)
            seen.reads.append(perf_counter() - started)
        seen.failures += status != 200


async def _read(session: aiohttp.ClientSession, number: int) -> int:
    async with session.get("/caching/optimized", params={"id": number}) as response:
        await response.read()
        return response.status


async def _write(session: aiohttp.ClientSession, number: int, random: Random) -> int:
    body = {"title": f"title {random.random()}"}
    async with session.put(f"/caching/posts/{number}", json=body) as response:
        await response.read()
        return response.status


async def _hits_again(session: aiohttp.ClientSession) -> None:
    first = await _hits(session)
    while await _hits(session) < first + 10:  # noqa: ASYNC110 - told by another process, if asked
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
