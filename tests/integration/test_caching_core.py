"""The cache without HTTP, with a real Redis: loads, stale entries, and failures of Redis."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import pytest
from redis.asyncio import Redis

from services.caching.background import Background
from services.caching.cache import Cache
from services.caching.cache_answer import Outcome
from services.caching.cache_policy import CachePolicy, Clocks
from services.caching.circuit_breaker import BreakerState, CircuitBreaker
from services.caching.entry import Entry
from services.caching.epoch import Epoch
from services.caching.leased_loader import LoadReason
from services.caching.local_memory import LocalMemory
from services.caching.near_cache import NearCache
from services.caching.store import Namespace, Store
from services.caching.subscription import Subscription
from services.chassis.redis_client import connect
from services.local.data_servers import valkey_command
from services.settings import Settings
from tests.conftest import ROOT, until

NAMESPACE = Namespace("core-test", version=1)


class SourceUnavailable(Exception):
    """The error of the source while it is unavailable."""


POLICY = CachePolicy(
    lifetime=60,
    stale_lifetime=30,
    absent_lifetime=5,
    lease_seconds=2,
    fence_seconds=5,
    serve_unverified=True,
    source_errors=(SourceUnavailable, TimeoutError),
)


@dataclass
class Source:
    """An item and the epoch. Loads wait for `go_on`, and fail if the source is unavailable."""

    value: bytes | None = b"old"
    epoch: int = 1
    loads: int = 0
    is_available: bool = True
    loading: asyncio.Event = field(default_factory=asyncio.Event)
    go_on: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.go_on.set()

    async def load(self) -> bytes | None:
        self._check()
        self.loads += 1
        value = self.value
        self.loading.set()
        await self.go_on.wait()
        return value

    async def load_epoch(self) -> int:
        self._check()
        return self.epoch

    async def bump_epoch(self) -> int:
        self._check()
        self.epoch += 1
        return self.epoch

    async def write(self, value: bytes) -> bool:
        self.value = value
        return True

    def _check(self) -> None:
        if not self.is_available:
            raise SourceUnavailable


class RecordedLoads(list[LoadReason]):
    """A CacheObserver that records the reason of each load."""

    def loaded(self, reason: LoadReason) -> None:
        self.append(reason)


@dataclass
class Process:
    """The cache of one process, with its parts."""

    cache: Cache
    store: Store
    breaker: CircuitBreaker
    background: Background
    redis: Redis
    loads: RecordedLoads


class Near(NamedTuple):
    """A near cache with its source and memory."""

    source: Source
    cache: NearCache
    memory: LocalMemory


Processes = Callable[..., Process]


@pytest.fixture
async def redis(settings: Settings) -> AsyncIterator[Redis]:
    client = connect(settings.model_copy(update={"redis_timeout": 2}))
    await client.flushdb()
    yield client
    await client.aclose()


@pytest.fixture
async def process(settings: Settings, redis: Redis) -> AsyncIterator[Processes]:
    """Start a process's cache. With `redis_port=1` its Redis is unreachable."""
    async with contextlib.AsyncExitStack() as stack:

        def start(
            source: Source,
            redis_port: int = settings.redis_port,
            policy: CachePolicy = POLICY,
            epoch_age: float = 0.02,
            unix_time: Callable[[], float] = lambda: 1_000.0,
        ) -> Process:
            # The long timeout keeps a busy machine from looking like an unreachable Redis.
            client = connect(
                settings.model_copy(update={"redis_timeout": 2, "redis_port": redis_port})
            )
            background, loads = Background(), RecordedLoads()
            stack.push_async_callback(client.aclose)
            stack.push_async_callback(background.close)
            breaker = CircuitBreaker(5, 0.05, lambda state: None)
            store = Store(client, NAMESPACE, breaker, background)
            epoch = Epoch(source.load_epoch, source.bump_epoch, epoch_age, 1, background)
            clocks = Clocks(unix=unix_time)
            cache = Cache(store, epoch, policy, background, loads, clocks)
            return Process(cache, store, breaker, background, client, loads)

        yield start


async def body(process: Process, source: Source) -> bytes | None:
    return (await process.cache.get("key", source.load)).entry.body


async def test_a_thousand_misses_in_two_processes_share_one_load(process: Processes) -> None:
    source = Source()
    one, other = process(source), process(source)
    source.go_on.clear()
    readers = [
        asyncio.create_task(each.cache.get("key", source.load))
        for _ in range(1000)
        for each in (one, other)
    ]
    await source.loading.wait()
    source.go_on.set()
    answers = await asyncio.gather(*readers)
    assert source.loads == 1
    assert {answer.entry.body for answer in answers} == {b"old"}
    assert [answer.outcome for answer in answers].count(Outcome.MISS) == 1


async def test_a_load_from_before_a_write_is_not_stored_after_the_write(process: Processes) -> None:
    source = Source()
    reader, writer = process(source), process(source)
    source.go_on.clear()
    reading = asyncio.create_task(body(reader, source))
    await source.loading.wait()
    await writer.cache.write("key", lambda: source.write(b"new"))
    source.go_on.set()
    assert await reading == b"old"  # the read began before the write
    assert await body(reader, source) == b"new"
    assert await body(writer, source) == b"new"


@pytest.mark.parametrize("redis_is_reachable", [True, False])
async def test_a_reader_after_a_write_does_not_join_a_load_from_before_the_write(
    process: Processes, settings: Settings, redis_is_reachable: bool
) -> None:
    source = Source()
    reader = process(source)
    writer = process(source, redis_port=settings.redis_port if redis_is_reachable else 1)
    source.go_on.clear()
    early = asyncio.create_task(body(reader, source))
    await source.loading.wait()
    await writer.cache.write("key", lambda: source.write(b"new"))
    late = asyncio.create_task(body(reader, source))
    await asyncio.sleep(0.05)  # the late reader misses, and finds the running load
    source.go_on.set()
    assert [await early, await late] == [b"old", b"new"]


async def test_without_redis_readers_during_a_load_share_the_next_load(
    process: Processes,
) -> None:
    source = Source()
    reader = process(source, redis_port=1)
    source.go_on.clear()
    first = asyncio.create_task(body(reader, source))
    await source.loading.wait()
    source.value = b"new"
    late = [asyncio.create_task(body(reader, source)) for _ in range(50)]
    await asyncio.sleep(0.05)
    source.go_on.set()
    assert await first == b"old"
    assert set(await asyncio.gather(*late)) == {b"new"}
    assert source.loads == 2


async def test_a_write_without_redis_outdates_the_entries_of_other_processes(
    process: Processes,
) -> None:
    source = Source()
    reader, cut_off = process(source), process(source, redis_port=1)
    assert await body(reader, source) == b"old"
    await cut_off.cache.write("key", lambda: source.write(b"new"))
    assert await body(reader, source) == b"new"
    assert (await reader.cache.get("key", source.load)).outcome is Outcome.HIT


async def test_a_write_without_redis_and_source_is_not_acknowledged(process: Processes) -> None:
    source = Source()
    cut_off = process(source, redis_port=1)

    async def commit() -> None:
        source.is_available = False

    with pytest.raises(SourceUnavailable):
        await cut_off.cache.write("key", commit)


async def test_a_writer_that_dies_before_its_invalidation_leaves_no_old_entry(
    process: Processes,
) -> None:
    source = Source()
    reader, writer = process(source), process(source)
    await body(reader, source)
    committing = asyncio.Event()

    async def commit() -> None:
        committing.set()
        await asyncio.Event().wait()

    writing = asyncio.create_task(writer.cache.write("key", commit))
    await committing.wait()
    assert await body(reader, source) == b"old"  # not committed, and not stored
    source.value = b"new"
    await writer.background.close()
    with pytest.raises(asyncio.CancelledError):
        await writing
    assert await body(reader, source) == b"new"


async def test_a_reader_does_not_wait_for_a_fence(process: Processes) -> None:
    source = Source()
    one = process(source, policy=replace(POLICY, lease_seconds=100))
    await one.store.fence("key", 100)
    async with asyncio.timeout(20):
        answer = await one.cache.get("key", source.load)
    assert (answer.entry.body, answer.outcome) == (b"old", Outcome.MISS)
    assert await one.redis.get(NAMESPACE.value("key")) is None


async def test_a_cancelled_caller_does_not_cancel_the_invalidation(process: Processes) -> None:
    source = Source()
    one = process(source)
    await body(one, source)
    committing, go_on = asyncio.Event(), asyncio.Event()

    async def commit() -> None:
        committing.set()
        await go_on.wait()
        source.value = b"new"

    writing = asyncio.create_task(one.cache.write("key", commit))
    await committing.wait()
    writing.cancel()
    go_on.set()
    await until(lambda: not one.background)
    assert await one.redis.get(NAMESPACE.lease("key")) is None  # no fence remains
    assert await body(one, source) == b"new"


@pytest.mark.parametrize("forget", ["flushdb", "flushall"])
async def test_losing_all_data_in_redis_costs_one_load(
    process: Processes, redis: Redis, forget: str
) -> None:
    source = Source()
    one = process(source)
    source.go_on.clear()
    reading = asyncio.create_task(one.cache.get("key", source.load))
    await source.loading.wait()
    await getattr(redis, forget)()
    source.go_on.set()
    assert (await reading).outcome is Outcome.MISS
    assert await redis.get(NAMESPACE.value("key")) is None
    assert (await one.cache.get("key", source.load)).outcome is Outcome.MISS
    assert (await one.cache.get("key", source.load)).outcome is Outcome.HIT


async def test_another_process_loads_after_the_lease_of_a_dead_loader(process: Processes) -> None:
    source = Source()
    policy = replace(POLICY, lease_seconds=0.2)
    one, other = process(source, policy=policy), process(source, policy=policy)
    await one.store.claim("key", b"dead", 0.2)
    answer = await other.cache.get("key", source.load)
    assert (answer.entry.body, source.loads) == (b"old", 1)
    assert (await other.cache.get("key", source.load)).outcome is Outcome.HIT


async def test_a_failed_load_raises_stores_nothing_and_releases_the_lease(
    process: Processes, redis: Redis
) -> None:
    source = Source()
    one = process(source)

    async def fail() -> bytes:
        raise LookupError

    with pytest.raises(LookupError):
        await one.cache.get("key", fail)
    await until(lambda: not one.background)
    assert await redis.keys(f"*{NAMESPACE}*") == []


async def test_a_miss_without_source_raises_and_releases_the_lease(
    process: Processes, redis: Redis
) -> None:
    source = Source(is_available=False)
    one = process(source)
    with pytest.raises(SourceUnavailable):
        await one.cache.get("key", source.load)
    await until(lambda: not one.background)
    assert await redis.get(NAMESPACE.lease("key")) is None


async def test_a_load_whose_result_cannot_be_stored_is_answered(process: Processes) -> None:
    source = Source()
    one = process(source)

    async def lose_redis() -> bytes | None:
        one.breaker._open()
        return await source.load()

    answer = await one.cache.get("key", lose_redis)
    assert (answer.entry.body, answer.outcome) == (b"old", Outcome.ERROR)


async def test_a_miss_whose_lease_cannot_be_claimed_is_answered(process: Processes) -> None:
    source = Source()
    one = process(source)
    one.breaker._open()
    answer = await one.cache._loader.fill("key", source.load)
    assert (answer.entry.body, answer.outcome) == (b"old", Outcome.ERROR)


async def test_an_entry_loaded_without_redis_is_never_current(process: Processes) -> None:
    source = Source()
    one = process(source, redis_port=1)
    answer = await one.cache.get("key", source.load)
    assert await one.cache.is_current(answer.entry) is False
    assert await one.cache.is_current(answer.entry._replace(epoch=source.epoch)) is True


async def test_no_entry_is_current_while_the_source_is_unavailable(process: Processes) -> None:
    source = Source(is_available=False)
    entry = Entry.of(b"old", epoch=9, expires_at=2_000, load_seconds=0)
    assert await process(source).cache.is_current(entry) is False


@pytest.mark.parametrize(("seconds_newer", "loads"), [(0, 1), (1, 0)])
async def test_an_entry_that_another_process_has_refreshed_is_not_loaded_again(
    process: Processes, redis: Redis, seconds_newer: float, loads: int
) -> None:
    source = Source()
    one = process(source)
    entry = Entry.of(b"old", epoch=1, expires_at=1_000, load_seconds=0)
    stored = entry._replace(expires_at=1_000 + seconds_newer)
    await redis.set(NAMESPACE.value("key"), stored.pack())
    await one.cache._loader.refresh("key", entry, source.load, LoadReason.STALE)
    assert source.loads == loads
    assert await redis.get(NAMESPACE.lease("key")) is None


async def test_an_entry_that_redis_has_evicted_is_refreshed(process: Processes) -> None:
    source = Source()
    one = process(source)
    entry = Entry.of(b"old", epoch=1, expires_at=1_000, load_seconds=0)
    await one.cache._loader.refresh("key", entry, source.load, LoadReason.STALE)
    assert (await one.cache.get("key", source.load)).outcome is Outcome.HIT


async def test_an_entry_has_the_duration_of_its_load(process: Processes) -> None:
    source = Source()
    answer = await process(source).cache.get("key", source.load)
    assert 0 <= answer.entry.load_seconds < POLICY.lease_seconds


async def test_redis_keeps_an_entry_for_both_lifetimes(process: Processes, redis: Redis) -> None:
    source = Source()
    await process(source).cache.get("key", source.load)
    remaining = await redis.pttl(NAMESPACE.value("key")) / 1000
    shortest = POLICY.lifetime * 0.9 + POLICY.stale_lifetime
    assert shortest - 5 < remaining <= POLICY.lifetime + POLICY.stale_lifetime


async def test_an_absent_item_is_cached_for_its_shorter_lifetime(process: Processes) -> None:
    source = Source(value=None)
    one = process(source)
    answers = [await one.cache.get("key", source.load) for _ in range(2)]
    assert [answer.outcome for answer in answers] == [Outcome.MISS, Outcome.HIT]
    assert source.loads == 1
    assert 0 < await one.redis.pttl(NAMESPACE.value("key")) <= POLICY.absent_lifetime * 1000
    await one.cache.write("key", lambda: source.write(b"new"))
    assert await body(one, source) == b"new"


async def test_an_expired_entry_is_served_while_one_process_refreshes_it(
    process: Processes,
) -> None:
    source, now = Source(), [1_000.0]
    one, other = (process(source, unix_time=lambda: now[0]) for _ in range(2))
    await body(one, source)
    now[0] += POLICY.lifetime
    source.value = b"new"
    source.loading.clear()
    source.go_on.clear()
    answers = await asyncio.gather(
        *(each.cache.get("key", source.load) for each in (one, other) for _ in range(50))
    )
    assert {answer.outcome for answer in answers} == {Outcome.STALE}
    source.go_on.set()
    await until(lambda: not one.background and not other.background)
    assert source.loads == 2
    assert sorted(one.loads + other.loads) == [LoadReason.MISS, LoadReason.STALE]
    answer = await other.cache.get("key", source.load)
    assert (answer.entry.body, answer.outcome) == (b"new", Outcome.HIT)


async def test_a_hit_near_the_expiry_refreshes_the_entry_in_the_background(
    process: Processes,
) -> None:
    source = Source()
    one = process(source)
    # With a load of 31 years, every reader in the last second refreshes early.
    entry = Entry.of(b"old", epoch=1, expires_at=1_001, load_seconds=1e9)
    await one.redis.set(NAMESPACE.value("key"), entry.pack())
    assert (await one.cache.get("key", source.load)).outcome is Outcome.HIT
    await until(lambda: not one.background)
    assert one.loads == [LoadReason.EARLY]


@pytest.mark.parametrize("serve_unverified", [True, False])
async def test_an_unverified_entry_is_served_only_if_the_policy_says_so(
    process: Processes, serve_unverified: bool
) -> None:
    source = Source()
    one = process(
        source, policy=replace(POLICY, serve_unverified=serve_unverified), epoch_age=0.001
    )
    await body(one, source)
    await until(lambda: not one.background)
    await asyncio.sleep(0.01)  # the last reading of the epoch is now too old
    source.is_available = False
    if serve_unverified:
        answer = await one.cache.get("key", source.load)
        assert (answer.outcome, answer.verified) == (Outcome.STALE, False)
    else:
        with pytest.raises(SourceUnavailable):
            await one.cache.get("key", source.load)
    source.is_available = True
    assert (await one.cache.get("key", source.load)).verified


async def test_an_entry_of_another_format_is_a_miss(process: Processes, redis: Redis) -> None:
    source = Source()
    one = process(source)
    await redis.set(NAMESPACE.value("key"), b"{}")
    assert await body(one, source) == b"old"


async def test_the_breaker_opens_after_failures_and_closes_after_redis_returns(
    process: Processes, redis: Redis
) -> None:
    source = Source()
    one = process(source)
    await body(one, source)
    await redis.config_set("maxclients", 1)  # every new connection is refused
    try:
        await one.redis.connection_pool.disconnect()
        for _ in range(5):
            assert (await one.cache.get("key", source.load)).outcome is Outcome.ERROR
        assert not one.breaker.allows_calls
        while one.breaker.state is BreakerState.OPEN:  # until a probe starts
            await one.cache.get("key", source.load)
        await until(lambda: one.breaker.state is not BreakerState.HALF_OPEN)
        assert not one.breaker.allows_calls
    finally:
        await redis.config_set("maxclients", 1000)

    async def hits() -> bool:
        return (await one.cache.get("key", source.load)).outcome is Outcome.HIT

    async with asyncio.timeout(20):
        while not await hits():  # noqa: ASYNC110 - Redis has to be polled
            await asyncio.sleep(0.01)
    assert one.breaker.allows_calls


async def test_both_stacks_configure_the_eviction_that_the_card_describes(redis: Redis) -> None:
    compose = (ROOT / "compose.yaml").read_text("utf-8")
    for stack in (compose, " ".join(valkey_command(1, ROOT).arguments).replace(" --", ", --")):
        assert re.search("--maxmemory,? 64mb, --maxmemory-policy,? allkeys-lru", stack)
    assert await redis.config_get("maxmemory-policy") == {"maxmemory-policy": "allkeys-lru"}


async def test_a_full_redis_stores_new_entries_and_keeps_the_most_read(
    process: Processes, redis: Redis
) -> None:
    one = process(Source())
    used = (await redis.info("memory"))["used_memory"]
    await redis.config_set("maxmemory", used + (1 << 20))

    async def load() -> bytes:
        return b"x" * 4096

    try:
        outcomes = []
        for number in range(1_000):  # four times the available memory
            await one.cache.get(f"cold {number}", load)
            outcomes.append((await one.cache.get("hot", load)).outcome)
        assert (await redis.info("stats"))["evicted_keys"] > 0
        assert outcomes.count(Outcome.HIT) > 950
        assert (await one.cache.get("cold 999", load)).outcome is Outcome.HIT
    finally:
        await redis.config_set("maxmemory", "64mb")


@pytest.fixture
async def near(process: Processes) -> AsyncIterator[Near]:
    source = Source()
    one = process(source)
    memory = LocalMemory(maximum_bytes=1 << 20, lifetime=60)
    task = one.background.start(Subscription(one.redis, NAMESPACE.invalidations, memory).run())
    await until(lambda: memory.is_open)
    yield Near(source, NearCache(one.cache, memory), memory)
    task.cancel()


async def test_a_write_of_another_process_removes_the_local_entry(
    near: Near, process: Processes
) -> None:
    source, cache, memory = near
    for _ in range(2):
        await cache.get("key", source.load)
    assert memory.find("key") is not None
    await process(source).cache.write("key", lambda: source.write(b"new"))
    await until(lambda: memory.find("key") is None)
    assert (await cache.get("key", source.load)).entry.body == b"new"


async def test_local_entries_are_removed_with_the_subscription_and_stored_after_it_returns(
    near: Near, redis: Redis
) -> None:
    source, cache, memory = near
    await cache.get("key", source.load)
    assert memory.find("key") is not None
    await redis.client_kill_filter(_type="pubsub")
    await until(lambda: not memory.is_open)
    assert memory.find("key") is None
    await until(lambda: memory.is_open)
    await cache.get("key", source.load)
    assert memory.find("key") is not None


async def test_a_write_without_redis_outdates_the_local_entry(
    near: Near, process: Processes
) -> None:
    source, cache, memory = near
    await cache.get("key", source.load)
    await process(source, redis_port=1).cache.write("key", lambda: source.write(b"new"))
    assert memory.find("key") is not None
    assert (await cache.get("key", source.load)).entry.body == b"new"


async def test_a_probe_leaves_the_subscription_connected(near: Near) -> None:
    source, cache, memory = near
    await cache.get("key", source.load)
    breaker = cache._cache._store._breaker
    breaker._open()
    async with asyncio.timeout(20):
        while not breaker.allows_calls:
            await cache.get("another key", source.load)
            await asyncio.sleep(0.01)
    assert memory.find("key") is not None


async def test_a_local_hit_needs_neither_redis_nor_a_load(near: Near, redis: Redis) -> None:
    source, cache, _ = near
    await cache.get("key", source.load)
    await redis.delete(NAMESPACE.value("key"))
    answer = await cache.get("key", source.load)
    assert (answer.outcome, answer.entry.body, source.loads) == (Outcome.HIT, b"old", 1)
    assert answer.as_of == 0


async def test_an_own_write_shows_in_the_next_local_read(near: Near) -> None:
    source, cache, memory = near
    await cache.get("key", source.load)
    assert await cache.write("key", lambda: source.write(b"new")) is True
    assert memory.find("key") is None
    assert (await cache.get("key", source.load)).entry.body == b"new"


async def test_an_own_invalidation_removes_the_local_entry(near: Near) -> None:
    source, cache, memory = near
    await cache.get("key", source.load)
    await cache.invalidate("key")
    assert memory.find("key") is None


async def test_an_unverified_entry_is_not_stored_locally(
    process: Processes,
) -> None:
    source = Source()
    one = process(source, epoch_age=0.001)
    memory = LocalMemory(maximum_bytes=1 << 20, lifetime=60)
    memory.open()
    cache = NearCache(one.cache, memory)
    await body(one, source)
    await until(lambda: not one.background)
    await asyncio.sleep(0.01)  # the last reading of the epoch is now too old
    source.is_available = False
    assert not (await cache.get("key", source.load)).verified
    assert memory.find("key") is None
