"""A process that reads and writes through the cache at random, and prints what it saw.

    python -m tests.integration.caching_process OPERATIONS SEED WITHOUT

WITHOUT names the protection that is left out, or `nothing`. It prints "ready", waits for a line,
and then prints its history: one JSON list for each operation that succeeded.
"""

import asyncio
import sys
from functools import partial
from random import Random
from time import monotonic_ns

import asyncpg
import orjson

from services.caching.background import Background
from services.caching.cache import Answer, Cache, Lifetimes, Reason
from services.caching.circuit_breaker import CircuitBreaker
from services.caching.epoch import Epoch
from services.caching.namespace import Namespace
from services.caching.single_flight import SingleFlight
from services.caching.store import Store
from services.chassis.redis_client import connect
from services.settings import Settings, load_settings

KEYS = 4
CLIENTS = 8
NAMESPACE = Namespace("history", version=1)
_WRITES = 0.15
_EPOCH_AGE = 0.02


class Nobody:
    """An observer that does not care."""

    def loaded(self, reason: Reason) -> None:
        pass


class CarelessFlights(SingleFlight[Answer]):
    """Whoever comes gets the result of the load that is under way."""

    async def run(self, key, load):  # type: ignore[no-untyped-def]
        flight = self._flights.get(key)
        if flight is not None:
            return await asyncio.shield(flight), True
        return await super().run(key, load)


class Epochs:
    """The epoch as a row of a table of its own."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def load(self) -> int:
        return int(await self._pool.fetchval("SELECT epoch FROM history_epoch"))

    async def bump(self) -> int:
        statement = "UPDATE history_epoch SET epoch = epoch + 1 RETURNING epoch"
        return int(await self._pool.fetchval(statement))


class Client:
    """Reads and writes versions of a few items, with delays where they hurt most."""

    def __init__(self, pool: asyncpg.Pool, cache: Cache, random: Random) -> None:
        self._pool = pool
        self._cache = cache
        self._random = random
        self.history: list[tuple[str, int, int, int, int, str]] = []

    async def operate(self) -> None:
        key = self._random.randrange(KEYS)
        began = monotonic_ns()
        if self._random.random() < _WRITES:
            version = await self._cache.write(str(key), lambda: self._commit(key))
            self.history.append(("write", key, version, began, monotonic_ns(), ""))
            return
        answer = await self._cache.get(str(key), lambda: self._load(key))
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
        epoch = Epoch(Epochs(pool).load, Epochs(pool).bump, _EPOCH_AGE, 5, background)
        lifetimes = Lifetimes(fresh=0.2, stale=0.2, absent=1, lease=0.3, fence=0.3)
        cache = Cache(store, epoch, lifetimes, background, Nobody(), (TimeoutError,), False)
        _leave_out(without, cache, store, epoch)
        client = Client(pool, cache, Random(seed))
        await epoch.current()
        print("ready", flush=True)  # noqa: T201 - to the test that started it
        await asyncio.to_thread(sys.stdin.readline)
        await _operate(client, operations)
        await background.close()
    await redis.aclose()
    sys.stdout.writelines(orjson.dumps(each).decode() + "\n" for each in client.history)


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
    left = iter(range(operations))

    async def go_on() -> None:
        for _ in left:
            await client.operate()

    await asyncio.gather(*(go_on() for _ in range(CLIENTS)))


def _leave_out(without: str, cache: Cache, store: Store, epoch: Epoch) -> None:
    """Plant a mistake."""
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
            cache._flights = CarelessFlights(cache._background)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]))
