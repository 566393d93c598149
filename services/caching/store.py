"""The two Redis keys of each item: its cache entry, and the lease of the process that loads it.

A reader that misses claims the lease before it loads, and stores only while its lease stands. A
writer deletes entry and lease in one command. A result loaded before a write is therefore never
stored after the write, and only one process loads. Source: Nishtala et al., "Scaling Memcache at
Facebook", NSDI 2013, section 3.2.1.

Any command may be lost or arrive late, and Redis may lose all its data. None of these failures can
bring back an old entry. Without the lease nothing is stored, and a late command finds a lease with
another token.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from services.caching.background import Background
from services.caching.circuit_breaker import CircuitBreaker
from services.caching.entry import Entry

#: Below the client pool's size, so that a command never waits for a connection.
MAXIMUM_CONCURRENT_COMMANDS = 56

#: Prefix of the token that a writer puts in the place of a lease.
_FENCE = b"fence"

# The script reads the entry again: another process may have stored it since the reader's miss.
_CLAIM = """
local standing = redis.call('GET', KEYS[2])
if not standing then redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2]) end
return {standing, redis.call('GET', KEYS[1])}
"""
_PUT = """
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
redis.call('DEL', KEYS[2])
return 1
"""
_RELEASE = """
if redis.call('GET', KEYS[2]) == ARGV[1] then redis.call('DEL', KEYS[2]) end
"""
_FENCE_OFF = """
redis.call('DEL', KEYS[1])
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
"""
_DELETE = """
redis.call('DEL', KEYS[1], KEYS[2])
redis.call('PUBLISH', ARGV[1], ARGV[2])
"""


class Unreachable(Exception):
    """Redis failed, or the circuit breaker is open. The command may or may not have run."""


@dataclass(frozen=True, slots=True)
class Namespace:
    """Names the Redis keys for one kind of item.

    Raise `version` when the format of the bodies changes: entries of older versions are not read.
    """

    name: str
    version: int

    def __str__(self) -> str:
        return f"{self.name}:{self.version}"

    # The braces keep both keys of an item on one node of a Redis cluster.
    def value(self, key: str) -> str:
        return f"{{{self}:{key}}}:value"

    def lease(self, key: str) -> str:
        return f"{{{self}:{key}}}:lease"

    @property
    def invalidations(self) -> str:
        """The channel that publishes the keys of deleted entries."""
        return f"{self}:invalidations"


@dataclass(frozen=True, slots=True)
class Claim:
    """The result of claiming a lease.

    `entry` is the stored entry, if there is one. `is_mine` says whether the caller now has the
    lease, `is_fenced` whether a writer keeps loaders from storing.
    """

    entry: Entry | None
    is_mine: bool
    is_fenced: bool


def new_token() -> bytes:
    """A unique token for a lease. The token need not be secret."""
    return f"{random.getrandbits(64):016x}".encode()


class Store:
    """Runs the commands on both keys. Each may raise Unreachable. Lifetimes are in seconds."""

    def __init__(
        self,
        redis: Redis,
        namespace: Namespace,
        breaker: CircuitBreaker,
        background: Background,
    ) -> None:
        self.namespace = namespace
        self._redis = redis
        self._breaker = breaker
        self._background = background
        self._slots = asyncio.Semaphore(MAXIMUM_CONCURRENT_COMMANDS)
        self._claim = redis.register_script(_CLAIM)
        self._put = redis.register_script(_PUT)
        self._release = redis.register_script(_RELEASE)
        self._fence_off = redis.register_script(_FENCE_OFF)
        self._delete = redis.register_script(_DELETE)

    async def find(self, key: str) -> Entry | None:
        stored = await self._call(self._redis.get, self.namespace.value(key))
        return None if stored is None else Entry.unpack(stored)

    async def claim(self, key: str, token: bytes, lifetime: float) -> Claim:
        """Take the lease unless another token has it, and read the entry."""
        standing, stored = await self._run(self._claim, key, token, _milliseconds(lifetime))
        return Claim(
            entry=None if stored is None else Entry.unpack(stored),
            is_mine=standing is None,
            is_fenced=standing is not None and standing.startswith(_FENCE),
        )

    async def put(self, key: str, token: bytes, entry: Entry, lifetime: float) -> bool:
        """Store the entry and release the lease. Returns False if the lease no longer stands."""
        return bool(await self._run(self._put, key, token, entry.pack(), _milliseconds(lifetime)))

    async def release(self, key: str, token: bytes) -> None:
        """Release the lease if it still has this token."""
        await self._run(self._release, key, token)

    async def fence(self, key: str, lifetime: float) -> None:
        """Delete the entry. Loaders cannot store a new one until `delete` or until expiry."""
        await self._run(self._fence_off, key, _FENCE + new_token(), _milliseconds(lifetime))

    async def delete(self, key: str) -> None:
        """Delete entry and lease, and publish the key for processes that keep local entries."""
        await self._run(self._delete, key, self.namespace.invalidations, key)

    async def _run(self, script: Callable[..., Awaitable[Any]], key: str, *arguments: Any) -> Any:
        keys = [self.namespace.value(key), self.namespace.lease(key)]
        return await self._call(script, keys, arguments)

    async def _call(self, command: Callable[..., Awaitable[Any]], *arguments: Any) -> Any:
        if not self._breaker.allows_calls:
            self._probe_if_due()
            raise Unreachable
        async with self._slots:
            if not self._breaker.allows_calls:  # it opened while this command waited
                raise Unreachable
            return await self._guarded(command, *arguments)

    async def _guarded(self, command: Callable[..., Awaitable[Any]], *arguments: Any) -> Any:
        try:
            result = await command(*arguments)
        except ResponseError as error:
            # Redis answered, for example that its memory is full: no reason to open the breaker.
            self._breaker.record_success()
            raise Unreachable from error
        except (RedisError, OSError) as error:
            self._breaker.record_failure()
            raise Unreachable from error
        self._breaker.record_success()
        return result

    def _probe_if_due(self) -> None:
        if self._breaker.claim_probe():
            self._background.start(self._probe())

    async def _probe(self) -> None:
        succeeded = False
        try:
            # Pooled connections lead to the server that failed: each would fail once more.
            await self._redis.connection_pool.disconnect(inuse_connections=False)
            succeeded = bool(await self._redis.ping())
        except (RedisError, OSError):
            pass
        finally:
            self._breaker.record_probe(succeeded)


def _milliseconds(seconds: float) -> int:
    return max(1, int(seconds * 1000))
