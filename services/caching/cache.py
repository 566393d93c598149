"""Cache-aside over Redis, in which a slow reader cannot put back what a writer has replaced.

A reader that misses takes out a lease on the key before it loads, and its value is stored only if
that lease still stands; a writer deletes value and lease together. Without it, a reader that loaded
before the write and stores after it would leave the old value there for a whole time to live.
Source: Nishtala et al., "Scaling Memcache at Facebook", NSDI 2013, section 3.2.1.

A cache that fails is a miss: readers go to the source. A writer is told, because what it could not
invalidate may be read until it expires.
"""

import random
from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import cast

from redis.asyncio import Redis
from redis.exceptions import RedisError

from services.caching.single_flight import SingleFlight

Load = Callable[[], Awaitable[bytes]]

#: Times to live are shortened by up to this share, so that keys stored together expire apart.
_JITTER = 0.1
#: Longer than any load takes; a lease that has expired costs one more load, nothing else.
_LEASE_MILLISECONDS = 30_000

_STORE = """
if redis.call('GET', KEYS[2]) == ARGV[1] then
    redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
end
"""


class Outcome(StrEnum):
    """Where an answer came from."""

    HIT = "hit"
    MISS = "miss"
    SHARED = "shared"
    ERROR = "error"


class Cache:
    """Values are ready bytes; `ttl` is in seconds; `namespace` ends with its values' version."""

    def __init__(self, redis: Redis, namespace: str, ttl: float) -> None:
        self._redis = redis
        self._namespace = namespace
        self._ttl = ttl
        self._store = redis.register_script(_STORE)
        self._flights: SingleFlight[tuple[bytes, Outcome]] = SingleFlight()

    async def get(self, key: str, load: Load) -> tuple[bytes, Outcome]:
        """The cached bytes, else what `load` returns. Raises only what `load` raises."""
        try:
            value = await self._redis.get(self._value_key(key))
        except RedisError:
            return await self._shared(key, lambda: self._load_uncached(load))
        if value is not None:
            return cast("bytes", value), Outcome.HIT
        return await self._shared(key, lambda: self._load_and_store(key, load))

    async def invalidate(self, key: str) -> None:
        """Returns once no reader can get the old value, nor store it. Raises RedisError."""
        await self._redis.delete(self._value_key(key), self._lease_key(key))

    async def _shared(
        self, key: str, flight: Callable[[], Awaitable[tuple[bytes, Outcome]]]
    ) -> tuple[bytes, Outcome]:
        joined = self._flights.is_flying(key)
        value, outcome = await self._flights.run(key, flight)
        return value, Outcome.SHARED if joined else outcome

    async def _load_uncached(self, load: Load) -> tuple[bytes, Outcome]:
        return await load(), Outcome.ERROR

    async def _load_and_store(self, key: str, load: Load) -> tuple[bytes, Outcome]:
        try:
            lease = await self._lease(key)
        except RedisError:
            return await self._load_uncached(load)
        value = await load()
        # Spread in time, not secret.
        lifetime = int(self._ttl * 1000 * (1 - _JITTER * random.random()))  # noqa: S311
        try:
            keys = [self._value_key(key), self._lease_key(key)]
            await self._store(keys=keys, args=[lease, value, lifetime])
        except RedisError:
            return value, Outcome.ERROR
        return value, Outcome.MISS

    async def _lease(self, key: str) -> bytes:
        """The lease that stands on the key, or a new one; readers of one key may share it."""
        new = f"{random.getrandbits(64):x}".encode()
        standing = await self._redis.set(
            self._lease_key(key), new, nx=True, get=True, px=_LEASE_MILLISECONDS
        )
        return new if standing is None else cast("bytes", standing)

    # The braces keep both keys of a pair on one node of a Redis cluster.
    def _value_key(self, key: str) -> str:
        return f"{{{self._namespace}:{key}}}:value"

    def _lease_key(self, key: str) -> str:
        return f"{{{self._namespace}:{key}}}:lease"
