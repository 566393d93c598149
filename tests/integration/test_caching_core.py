"""The cache without HTTP: what it promises of loads, of staleness, and of a Redis that fails."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import pytest
from redis.asyncio import Redis

from services.caching.background import Background
from services.caching.cache import Cache, Lifetimes, Outcome, Reason
from services.caching.circuit_breaker import CircuitBreaker
from services.caching.entry import Entry
from services.caching.epoch import Epoch
from services.caching.local_tier import LocalTier
from services.caching.namespace import Namespace
from services.caching.store import Store
from services.caching.subscription import Subscription
from services.caching.tiered_cache import TieredCache
from services.chassis.redis_client import connect
from services.local.data_servers import valkey_command
from services.settings import Settings
from tests.conftest import ROOT, until

NAMESPACE = Namespace("core-test", version=1)
LIFETIMES = Lifetimes(fresh=60, stale=30, absent=5, lease=2, fence=5)


class SourceDown(Exception):
    """What a source out of reach raises here."""


@dataclass
class Source:
    """A value with an epoch beside it; loads can be held up, or fail."""

    value: bytes | None = b"old"
    epoch: int = 1
    loads: int = 0
    down: bool = False
    loading: asyncio.Event = field(default_factory=asyncio.Event)
    go_on: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.go_on.set()

    async def load(self) -> bytes | None:
        if self.down:
            raise SourceDown
        self.loads += 1
        value = self.value
        self.loading.set()
        await self.go_on.wait()
        return value

    async def load_epoch(self) -> int:
        if self.down:
            raise SourceDown
        return self.epoch

    async def bump_epoch(self) -> int:
        if self.down:
            raise SourceDown
        self.epoch += 1
        return self.epoch

    async def write(self, value: bytes) -> bool:
        self.value = value
        return True


class Reasons(list[Reason]):
    """Remembers why there were loads."""

    def loaded(self, reason: Reason) -> None:
        self.append(reason)


@dataclass
class Process:
    """All that one process has of a cache."""

    cache: Cache
    store: Store
    breaker: CircuitBreaker
    background: Background
    redis: Redis
    reasons: Reasons


Processes = Callable[..., Process]


@pytest.fixture
async def redis(settings: Settings) -> AsyncIterator[Redis]:
    client = connect(settings.model_copy(update={"redis_timeout": 2}))
    await client.flushdb()
    yield client
    await client.aclose()


@pytest.fixture
async def process(settings: Settings, redis: Redis) -> AsyncIterator[Processes]:
    """Start a process's part; its Redis can be another, or none at all."""
    async with contextlib.AsyncExitStack() as stack:

        def start(
            source: Source,
            redis_port: int = settings.redis_port,
            serve_unverified: bool = True,
            lifetimes: Lifetimes = LIFETIMES,
            epoch_age: float = 0.02,
            unix_time: Callable[[], float] = lambda: 1_000.0,
        ) -> Process:
            # A slow machine must not look like a Redis that is down.
            client = connect(
                settings.model_copy(update={"redis_timeout": 2, "redis_port": redis_port})
            )
            background, reasons = Background(), Reasons()
            stack.push_async_callback(client.aclose)
            stack.push_async_callback(background.close)
            breaker = CircuitBreaker(5, 0.05, lambda state: None)
            store = Store(client, NAMESPACE, breaker, background)
            epoch = Epoch(source.load_epoch, source.bump_epoch, epoch_age, 1, background)
            cache = Cache(
                store, epoch, lifetimes, background, reasons, (SourceDown, TimeoutError),
                serve_unverified, unix_time=unix_time,
            )  # fmt: skip
            return Process(cache, store, breaker, background, client, reasons)

        yield start


async def body(process: Process, source: Source) -> bytes | None:
    return (await process.cache.get("key", source.load)).entry.body


async def test_a_thousand_misses_in_two_processes_are_one_load(process: Processes) -> None:
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


async def test_what_was_loaded_before_a_write_is_not_stored_after_it(process: Processes) -> None:
    source = Source()
    reader, writer = process(source), process(source)
    source.go_on.clear()
    reading = asyncio.create_task(body(reader, source))
    await source.loading.wait()
    await writer.cache.write("key", lambda: source.write(b"new"))
    source.go_on.set()
    assert await reading == b"old"  # it began before the write
    assert await body(reader, source) == b"new"
    assert await body(writer, source) == b"new"


@pytest.mark.parametrize("redis_is_reached", [True, False])
async def test_who_comes_after_a_write_does_not_join_a_load_from_before_it(
    process: Processes, settings: Settings, redis_is_reached: bool
) -> None:
    source = Source()
    reader = process(source)
    writer = process(source, redis_port=settings.redis_port if redis_is_reached else 1)
    source.go_on.clear()
    early = asyncio.create_task(body(reader, source))
    await source.loading.wait()
    await writer.cache.write("key", lambda: source.write(b"new"))
    late = asyncio.create_task(body(reader, source))
    await asyncio.sleep(0.05)  # it looks for the value, and meets the load
    source.go_on.set()
    assert [await early, await late] == [b"old", b"new"]


async def test_without_redis_those_who_come_meanwhile_share_the_next_load(
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


async def test_a_write_that_cannot_reach_redis_outdates_what_others_find_there(
    process: Processes,
) -> None:
    source = Source()
    reader, cut_off = process(source), process(source, redis_port=1)
    assert await body(reader, source) == b"old"
    await cut_off.cache.write("key", lambda: source.write(b"new"))
    assert await body(reader, source) == b"new"
    assert (await reader.cache.get("key", source.load)).outcome is Outcome.HIT


async def test_a_write_that_reaches_neither_is_not_acknowledged(process: Processes) -> None:
    source = Source()
    cut_off = process(source, redis_port=1)

    async def commit() -> None:
        source.down = True

    with pytest.raises(SourceDown):
        await cut_off.cache.write("key", commit)


async def test_a_writer_that_dies_before_it_invalidates_leaves_no_old_value(
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
    assert await body(reader, source) == b"old"  # not committed yet, and not stored
    source.value = b"new"
    await writer.background.close()
    with pytest.raises(asyncio.CancelledError):
        await writing
    assert await body(reader, source) == b"new"


async def test_a_caller_that_gives_up_does_not_stop_the_invalidation(process: Processes) -> None:
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
    assert await one.redis.get(NAMESPACE.lease("key")) is None  # nor does a fence stand
    assert await body(one, source) == b"new"


@pytest.mark.parametrize("forget", ["flushdb", "flushall"])
async def test_a_redis_that_forgets_everything_costs_a_load_and_nothing_else(
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


async def test_when_the_loader_dies_another_takes_its_place(process: Processes) -> None:
    source = Source()
    lifetimes = Lifetimes(fresh=60, stale=30, absent=5, lease=0.2, fence=5)
    one, other = process(source, lifetimes=lifetimes), process(source, lifetimes=lifetimes)
    await one.store.claim("key", b"dead", 0.2)
    answer = await other.cache.get("key", source.load)
    assert (answer.entry.body, source.loads) == (b"old", 1)
    assert (await other.cache.get("key", source.load)).outcome is Outcome.HIT


async def test_a_failed_load_is_passed_on_not_stored_and_gives_the_lease_back(
    process: Processes, redis: Redis
) -> None:
    source = Source()
    one = process(source)

    async def fail() -> bytes:
        raise LookupError("no such thing")

    with pytest.raises(LookupError):
        await one.cache.get("key", fail)
    await until(lambda: not one.background)
    assert await redis.keys(f"*{NAMESPACE}*") == []


async def test_that_there_is_no_such_thing_is_cached_as_well(process: Processes) -> None:
    source = Source(value=None)
    one = process(source)
    answers = [await one.cache.get("key", source.load) for _ in range(2)]
    assert [answer.outcome for answer in answers] == [Outcome.MISS, Outcome.HIT]
    assert source.loads == 1
    assert 0 < await one.redis.pttl(NAMESPACE.value("key")) <= LIFETIMES.absent * 1000
    await one.cache.write("key", lambda: source.write(b"new"))
    assert await body(one, source) == b"new"


async def test_a_stale_value_is_served_while_one_reader_refreshes_it(process: Processes) -> None:
    source, now = Source(), [1_000.0]
    one, other = (process(source, unix_time=lambda: now[0]) for _ in range(2))
    await body(one, source)
    now[0] += LIFETIMES.fresh
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
    assert sorted(one.reasons + other.reasons) == [Reason.MISS, Reason.STALE]
    answer = await other.cache.get("key", source.load)
    assert (answer.entry.body, answer.outcome) == (b"new", Outcome.HIT)


async def test_a_value_near_its_expiry_is_refreshed_behind_a_hit(process: Processes) -> None:
    source = Source()
    one = process(source)
    # A load of an hour: any reader in the last minutes refreshes early.
    entry = Entry.of(b"old", epoch=1, expires=1_001, seconds=1e9)
    await one.redis.set(NAMESPACE.value("key"), entry.pack())
    assert (await one.cache.get("key", source.load)).outcome is Outcome.HIT
    await until(lambda: not one.background)
    assert one.reasons == [Reason.EARLY]


@pytest.mark.parametrize("serve_unverified", [True, False])
async def test_with_the_source_away_a_value_is_served_unverified_or_not_at_all(
    process: Processes, serve_unverified: bool
) -> None:
    source = Source()
    one = process(source, serve_unverified=serve_unverified, epoch_age=0.001)
    await body(one, source)
    await until(lambda: not one.background)
    await asyncio.sleep(0.01)  # the epoch that is known has become too old
    source.down = True
    if serve_unverified:
        answer = await one.cache.get("key", source.load)
        assert (answer.outcome, answer.verified) == (Outcome.STALE, False)
    else:
        with pytest.raises(SourceDown):
            await one.cache.get("key", source.load)
    source.down = False
    assert (await one.cache.get("key", source.load)).verified


async def test_values_of_another_format_are_misses(process: Processes, redis: Redis) -> None:
    source = Source()
    one = process(source)
    await redis.set(NAMESPACE.value("key"), b"{}")
    assert await body(one, source) == b"old"


async def test_the_breaker_opens_and_costs_readers_nothing_and_closes_again(
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
        assert not one.breaker.admits
    finally:
        await redis.config_set("maxclients", 1000)

    async def hits() -> bool:
        return (await one.cache.get("key", source.load)).outcome is Outcome.HIT

    async with asyncio.timeout(20):
        while not await hits():  # noqa: ASYNC110 - what happens in Redis can only be asked for
            await asyncio.sleep(0.01)
    assert one.breaker.admits


async def test_redis_evicts_as_the_card_says_in_both_stacks(redis: Redis) -> None:
    compose = (ROOT / "compose.yaml").read_text("utf-8")
    for stack in (compose, " ".join(valkey_command(1, ROOT).arguments).replace(" --", ", --")):
        assert re.search("--maxmemory,? 64mb, --maxmemory-policy,? allkeys-lru", stack)
    assert await redis.config_get("maxmemory-policy") == {"maxmemory-policy": "allkeys-lru"}


async def test_a_full_redis_goes_on_learning_and_keeps_what_is_read_most(
    process: Processes, redis: Redis
) -> None:
    one = process(Source())
    used = (await redis.info("memory"))["used_memory"]
    await redis.config_set("maxmemory", used + (1 << 20))

    async def load() -> bytes:
        return b"x" * 4096

    try:
        outcomes = []
        for number in range(1_000):  # four times as much as there is room for
            await one.cache.get(f"cold {number}", load)
            outcomes.append((await one.cache.get("hot", load)).outcome)
        assert (await redis.info("stats"))["evicted_keys"] > 0
        assert outcomes.count(Outcome.HIT) > 950
        assert (await one.cache.get("cold 999", load)).outcome is Outcome.HIT
    finally:
        await redis.config_set("maxmemory", "64mb")


@pytest.fixture
async def tiers(
    process: Processes,
) -> AsyncIterator[tuple[Source, Process, TieredCache, LocalTier]]:
    source = Source()
    one = process(source)
    local = LocalTier(most=1 << 20, lifetime=60)
    task = one.background.start(Subscription(one.redis, NAMESPACE.invalidations, local).run())
    await until(lambda: local.is_open)
    yield source, one, TieredCache(one.cache, local), local
    task.cancel()


async def test_a_copy_in_the_process_goes_when_another_process_writes(
    tiers: tuple[Source, Process, TieredCache, LocalTier], process: Processes
) -> None:
    source, _, tiered, local = tiers
    for _ in range(2):
        await tiered.get("key", source.load)
    assert local.find("key") is not None
    await process(source).cache.write("key", lambda: source.write(b"new"))
    await until(lambda: local.find("key") is None)
    assert (await tiered.get("key", source.load)).entry.body == b"new"


async def test_copies_are_flushed_when_the_subscription_is_lost_and_kept_again_after(
    tiers: tuple[Source, Process, TieredCache, LocalTier], redis: Redis
) -> None:
    source, _, tiered, local = tiers
    await tiered.get("key", source.load)
    assert local.find("key") is not None
    await redis.client_kill_filter(_type="pubsub")
    await until(lambda: not local.is_open)
    assert local.find("key") is None
    await until(lambda: local.is_open)
    await tiered.get("key", source.load)
    assert local.find("key") is not None


async def test_a_copy_is_outdated_by_a_writer_that_cannot_publish(
    tiers: tuple[Source, Process, TieredCache, LocalTier], process: Processes
) -> None:
    source, _, tiered, local = tiers
    await tiered.get("key", source.load)
    await process(source, redis_port=1).cache.write("key", lambda: source.write(b"new"))
    assert local.find("key") is not None
    assert (await tiered.get("key", source.load)).entry.body == b"new"
