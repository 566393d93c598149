"""Ten thousand operations of two processes while Redis fails: no read is older than an
acknowledged write. And without one of the protections there are such reads.
"""

import asyncio
import sys
from bisect import bisect_left
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from itertools import accumulate
from random import Random
from typing import Any, NamedTuple

import orjson
import pytest
from redis.asyncio import Redis

from services.chassis.redis_client import connect
from services.settings import Settings, environment_of
from tests.integration.caching_process import KEYS, NAMESPACE
from tests.integration.unruly_proxy import Mood, UnrulyProxy

Execute = Callable[..., list[tuple[Any, ...]]]

OPERATIONS = 5_000
MOODS = (Mood.PASSING, Mood.CUT, Mood.STALLING, Mood.SILENT)
WEIGHTS = (12, 2, 2, 2)


class Operation(NamedTuple):
    """`began` and `ended` are in nanoseconds of CLOCK_MONOTONIC, the same for all processes."""

    kind: str
    key: int
    version: int
    began: int
    ended: int
    outcome: str


def stale_reads(history: list[Operation]) -> list[Operation]:
    """Reads that began after a write was acknowledged, and returned what was there before it."""
    acknowledged = _acknowledged(history)
    return [
        each
        for each in history
        if each.kind == "read" and each.version < _newest(acknowledged[each.key], each.began)
    ]


def _acknowledged(history: list[Operation]) -> dict[int, list[tuple[int, int]]]:
    """By key: instants, and the newest version acknowledged by then."""
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


class Saboteur:
    """Makes Redis fail, for one process or for both, for as long as it is let."""

    def __init__(self, redis: Redis, proxies: list[UnrulyProxy], seed: int) -> None:
        self._redis = redis
        self._proxies = proxies
        self._random = Random(seed)

    async def work(self) -> None:
        while True:
            await asyncio.sleep(self._random.uniform(0.005, 0.06))
            proxy = self._random.choice(self._proxies)
            proxy.become(self._random.choices(MOODS, WEIGHTS)[0])
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


async def history_of(
    settings: Settings, redis: Redis, operations: int, without: str, seed: int
) -> list[Operation]:
    proxies = [UnrulyProxy(settings.redis_port) for _ in range(2)]
    for proxy in proxies:
        await proxy.start()
    processes = [
        await _process(settings, proxy.port, operations, seed + number, without)
        for number, proxy in enumerate(proxies)
    ]
    for process in processes:
        assert process.stdout
        assert await process.stdout.readline() == b"ready\n"
    sabotage = asyncio.create_task(Saboteur(redis, proxies, seed).work())
    try:
        outputs = await asyncio.gather(*(process.communicate(b"go\n") for process in processes))
    finally:
        sabotage.cancel()
        await asyncio.gather(sabotage, return_exceptions=True)
        for proxy in proxies:
            await proxy.close()
    assert [process.returncode for process in processes] == [0, 0]
    return [Operation(*orjson.loads(line)) for output, _ in outputs for line in output.splitlines()]


async def _process(
    settings: Settings, redis_port: int, operations: int, seed: int, without: str
) -> asyncio.subprocess.Process:
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
    history = await history_of(settings, redis, OPERATIONS, "nothing", seed=1)
    assert len(history) == 2 * OPERATIONS
    assert stale_reads(history) == []
    # It was not spared: values were found and shared, Redis was missed, epochs were begun.
    assert {each.outcome for each in history} >= {"hit", "miss", "shared", "error"}
    assert execute("SELECT epoch > 10 FROM history_epoch") == [(True,)]


@pytest.mark.parametrize("without", ["leases", "epochs", "waiting", "dates"])
async def test_without_one_of_the_protections_there_are_stale_reads(
    settings: Settings, redis: Redis, tables: None, without: str
) -> None:
    for seed in range(5):
        history = await history_of(settings, redis, OPERATIONS // 2, without, seed)
        if stale_reads(history):
            return
    pytest.fail("the history check finds nothing")


def test_the_check_knows_which_read_is_stale() -> None:
    write = Operation("write", 1, 2, 10, 20, "")
    before = Operation("read", 1, 1, 19, 30, "hit")
    after = Operation("read", 1, 1, 21, 30, "hit")
    other = Operation("read", 2, 1, 21, 30, "hit")
    newer = Operation("read", 1, 3, 21, 30, "hit")
    assert stale_reads([before, after, other, newer, write]) == [after]
