"""A process that reads and writes random items through the cache, and prints the history.

    python -m tests.integration.caching_process OPERATIONS SEED WITHOUT

WITHOUT names the protection to leave out, or is `nothing`. The process prints "ready". For each
line from stdin it runs OPERATIONS operations, and prints one JSON list for each.
"""

import asyncio
import sys
from functools import partial
from random import Random
from time import monotonic_ns

import asyncpg
import orjson

from services.caching.background import Background
from services.caching.cache import Cache
from services.caching.cache_answer import Answer
from services.caching.cache_policy import CachePolicy
from services.caching.circuit_breaker import CircuitBreaker
from services.caching.epoch import Epoch
from services.caching.leased_loader import LoadReason
from services.caching.single_flight import SingleFlight
from services.caching.store import Namespace, Store
from services.chassis.redis_client import connect
from services.settings import Settings, load_settings

KEYS = 4
CLIENTS = 8
NAMESPACE = Namespace("history", version=1)
#: Kind, key, version, began, ended, outcome; the test's Operation has the same fields.
Record = tuple[str, int, int, int, int, str]
_WRITES = 0.15
_EPOCH_AGE = 0.02


POLICY = CachePolicy(
    lifetime=0.2,
    stale_lifetime=0.2,
    absent_lifetime=1,
    lease_seconds=0.3,
    fence_seconds=0.3,
    serve_unverified=False,
    source_errors=(TimeoutError,),
)


class SilentObserver:
    """A CacheObserver that ignores all events."""

    def loaded(self, reason: LoadReason) -> None:
        pass


class UndatedFlights(SingleFlight[Answer]):
    """A single flight that ignores `as_of`: every caller joins the running load."""

    async def run(self, key, load):  # type: ignore[no-untyped-def]
        flight = self._flights.get(key)
        if flight is not None:
            return await asyncio.shield(flight), True
        return await super().run(key, load)


class EpochRow:
    """The epoch in a table of this test, read through asyncpg."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def load(self) -> int:
        return int(await self._pool.fetchval("SELECT epoch FROM history_epoch"))

    async def bump(self) -> int:
        statement = "UPDATE history_epoch SET epoch = epoch + 1 RETURNING epoch"
        return int(await self._pool.fetchval(statement))


class Client:
    """Reads and writes versions of a few items. Delays make races between them likely."""

    def __init__(self, pool: asyncpg.Pool, cache: Cache, random: Random) -> None:
        self._pool = pool
        self._cache = cache
        self._random = random
        self.history: list[Record] = []

    async def operate(self) -> None:
        key = self._random.randrange(KEYS)
        began = monotonic_ns()
        if self._random.random() < _WRITES:
            version = await self._cache.write(str(key), lambda: self._commit(key))
            self.history.append(("write", key, version, began, monotonic_ns(), ""))
            return
        try:
            answer = await self._cache.get(str(key), lambda: self._load(key))
        except TimeoutError:  # on a busy machine a load may take longer than its lease
            await self.operate()
            return
        ended = monotonic_ns()
        version = int(answer.entry.body or b"0")
        self.history.append(("read", key, version, began, ended, str(answer.outcome)))

    async def _load(self, key: int) -> bytes:
        statement = "SELECT version FROM history WHERE key = $1"
        version = await self._pool.fetchval(statement, key)
        await self._delay()
        return b"%d" % version

    async def _commit(self, key: int) -> int:
        statement = "UPDATE history SET version = version + 1 WHERE key = $1 RETURNING version"
        version = await self._pool.fetchval(statement, key)
        await self._delay()
        return int(version)

    async def _delay(self) -> None:
        if self._random.random() < 0.5:
            await asyncio.sleep(self._random.random() * 0.015)


async def main(operations: int, seed: int, without: str) -> None:
    settings = load_settings()
    background = Background()
    redis = connect(settings)
    async with _pool(settings) as pool:
        store = Store(redis, NAMESPACE, CircuitBreaker(3, 0.02, lambda state: None), background)
        row = EpochRow(pool)
        epoch = Epoch(row.load, row.bump, _EPOCH_AGE, 5, background)
        cache = Cache(store, epoch, POLICY, background, SilentObserver())
        _leave_out(without, cache, store, epoch)
        client = Client(pool, cache, Random(seed))
        await epoch.current()
        print("ready", flush=True)  # noqa: T201 - for the test that started this process
        while await asyncio.to_thread(sys.stdin.readline):
            await _operate(client, operations)
            _print_and_clear(client.history)
        await background.close()
    await redis.aclose()


def _print_and_clear(history: list[Record]) -> None:
    sys.stdout.writelines(orjson.dumps(each).decode() + "\n" for each in history)
    sys.stdout.flush()
    history.clear()


def _pool(settings: Settings) -> asyncpg.Pool:
    return asyncpg.create_pool(
        host=settings.database_host,
        port=settings.database_port,
        user=settings.database_user,
        password=settings.database_password.get_secret_value(),
        database=settings.database_name,
        min_size=CLIENTS,
        max_size=CLIENTS,
    )


async def _operate(client: Client, operations: int) -> None:
    remaining = iter(range(operations))

    async def operate_until_done() -> None:
        for _ in remaining:
            await client.operate()

    await asyncio.gather(*(operate_until_done() for _ in range(CLIENTS)))


def _leave_out(without: str, cache: Cache, store: Store, epoch: Epoch) -> None:
    """Disable a protection of the cache."""
    match without:
        case "leases":
            store._put = store._redis.register_script(
                "redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) return 1"
            )
        case "epochs":
            epoch._begin_next = epoch._read  # type: ignore[method-assign]
        case "waiting":
            epoch.advance = partial(epoch._flights.run, "bump", epoch._begin_next)  # type: ignore[assignment,method-assign]
        case "dates":
            cache._flights = UndatedFlights(cache._background)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]))
