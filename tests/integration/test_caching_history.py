"""Two processes read and write 10,000 times while Redis fails: no read is older than an
acknowledged write. With one of the protections disabled, the same check finds stale reads.
"""

import asyncio
import sys
from asyncio.subprocess import Process
from bisect import bisect_left
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from itertools import accumulate
from random import Random
from typing import Any, NamedTuple

import orjson
import pytest
from redis.asyncio import Redis

from services.chassis.redis_client import connect
from services.settings import Settings, environment_of
from tests.integration.caching_process import KEYS, NAMESPACE
from tests.integration.faulty_proxy import Fault, FaultyProxy

Execute = Callable[..., list[tuple[Any, ...]]]

OPERATIONS = 5_000
#: Small rounds, because a stale read often shows within a second.
OPERATIONS_A_ROUND = 250
MAXIMUM_ROUNDS = 50
FAULTS = (Fault.NONE, Fault.CUT, Fault.STALLED, Fault.SILENT)
FAULT_WEIGHTS = (12, 2, 2, 2)


class Operation(NamedTuple):
    """A read or write. `began` and `ended` are nanoseconds of CLOCK_MONOTONIC.

    All processes of a machine share that clock.
    """

    kind: str
    key: int
    version: int
    began: int
    ended: int
    outcome: str


def stale_reads(history: list[Operation]) -> list[Operation]:
    """Reads that began after a write was acknowledged, but returned an older version."""
    acknowledged = _acknowledged(history)
    return [
        each
        for each in history
        if each.kind == "read" and each.version < _newest(acknowledged[each.key], each.began)
    ]


def _acknowledged(history: list[Operation]) -> dict[int, list[tuple[int, int]]]:
    """For each key: instants of acknowledgement, with the newest version acknowledged by then."""
    writes: dict[int, list[Operation]] = defaultdict(list)
    for each in sorted(history, key=lambda operation: operation.ended):
        if each.kind == "write":
            writes[each.key].append(each)
    result: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for key, operations in writes.items():
        newest = accumulate((each.version for each in operations), max)
        result[key] = [
            (each.ended, version) for each, version in zip(operations, newest, strict=True)
        ]
    return result


def _newest(acknowledged: list[tuple[int, int]], began: int) -> int:
    place = bisect_left(acknowledged, (began, -1))
    return acknowledged[place - 1][1] if place else 0


class FaultInjector:
    """Injects random faults into Redis and the connections to it, until cancelled."""

    def __init__(self, redis: Redis, proxies: list[FaultyProxy], seed: int) -> None:
        self._redis = redis
        self._proxies = proxies
        self._random = Random(seed)

    async def run(self) -> None:
        while True:
            await asyncio.sleep(self._random.uniform(0.005, 0.06))
            proxy = self._random.choice(self._proxies)
            proxy.inject(self._random.choices(FAULTS, FAULT_WEIGHTS)[0])
            draw = self._random.random()
            if draw < 0.05:
                await self._redis.flushdb()
            elif draw < 0.4:
                await self._redis.delete(NAMESPACE.lease(str(self._random.randrange(KEYS))))


@pytest.fixture
async def redis(settings: Settings) -> AsyncIterator[Redis]:
    client = connect(settings.model_copy(update={"redis_timeout": 5}))
    await client.flushdb()
    yield client
    await client.aclose()


@pytest.fixture
def tables(execute: Execute) -> None:
    execute("DROP TABLE IF EXISTS history, history_epoch")
    execute("CREATE TABLE history (key int PRIMARY KEY, version bigint NOT NULL)")
    execute("CREATE TABLE history_epoch AS SELECT 1::bigint AS epoch")
    execute("INSERT INTO history SELECT generate_series(0, %s), 1", KEYS - 1)


@asynccontextmanager
async def running_processes(
    settings: Settings, redis: Redis, operations: int, without: str, seed: int
) -> AsyncIterator[list[Process]]:
    """Two processes that use the cache, while faults are injected."""
    proxies = [FaultyProxy(settings.redis_port) for _ in range(2)]
    for proxy in proxies:
        await proxy.start()
    processes = [
        await _process(settings, proxy.port, operations, seed + number, without)
        for number, proxy in enumerate(proxies)
    ]
    for process in processes:
        assert process.stdout
        assert await process.stdout.readline() == b"ready\n"
    injection = asyncio.create_task(FaultInjector(redis, proxies, seed).run())
    try:
        yield processes
        await asyncio.gather(*(process.communicate(b"") for process in processes))
        assert [process.returncode for process in processes] == [0, 0]
    finally:
        for process in processes:
            with suppress(ProcessLookupError):
                process.kill()
        injection.cancel()
        await asyncio.gather(injection, return_exceptions=True)
        for proxy in proxies:
            await proxy.close()


async def history_of(processes: list[Process], operations: int) -> list[Operation]:
    """Let each process run this many operations."""
    histories = await asyncio.gather(*(_operate(each, operations) for each in processes))
    return [operation for history in histories for operation in history]


async def _operate(process: Process, operations: int) -> list[Operation]:
    assert process.stdin
    assert process.stdout
    process.stdin.write(b"go\n")
    lines = [await process.stdout.readline() for _ in range(operations)]
    assert lines[-1], "the process ended early; its error is on stderr"
    return [Operation(*orjson.loads(line)) for line in lines]


async def _process(
    settings: Settings, redis_port: int, operations: int, seed: int, without: str
) -> Process:
    changed = {
        name: getattr(settings, name) for name in settings.model_fields_set if "database_" in name
    }
    environment = environment_of({**changed, "redis_port": redis_port, "redis_timeout": 0.03})
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.integration.caching_process"),
        *(str(operations), str(seed), without),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env=environment,
    )


async def test_no_read_is_older_than_a_write_acknowledged_before_it(
    settings: Settings, redis: Redis, tables: None, execute: Execute
) -> None:
    async with running_processes(settings, redis, OPERATIONS, "nothing", seed=1) as processes:
        history = await history_of(processes, OPERATIONS)
    assert len(history) == 2 * OPERATIONS
    assert stale_reads(history) == []
    # The run met all cases: hits, shared loads, an unreachable Redis, new epochs.
    assert {each.outcome for each in history} >= {"hit", "miss", "shared", "error"}
    assert execute("SELECT epoch > 10 FROM history_epoch") == [(True,)]


@pytest.mark.parametrize("without", ["leases", "epochs", "waiting", "dates"])
async def test_disabling_a_protection_causes_stale_reads(
    settings: Settings, redis: Redis, tables: None, without: str
) -> None:
    history: list[Operation] = []
    async with running_processes(settings, redis, OPERATIONS_A_ROUND, without, seed=0) as processes:
        for _ in range(MAXIMUM_ROUNDS):
            history += await history_of(processes, OPERATIONS_A_ROUND)
            if stale_reads(history):
                return
    pytest.fail(f"{len(history)} operations without {without} include no stale read")


def test_the_check_finds_exactly_the_stale_read() -> None:
    write = Operation("write", 1, 2, 10, 20, "")
    before = Operation("read", 1, 1, 19, 30, "hit")
    after = Operation("read", 1, 1, 21, 30, "hit")
    other = Operation("read", 2, 1, 21, 30, "hit")
    newer = Operation("read", 1, 3, 21, 30, "hit")
    assert stale_reads([before, after, other, newer, write]) == [after]
