"""The two keys that an item has in Redis: its value, and the lease of whoever may store one.

A reader that misses takes out the lease before it loads, and stores only while its own lease still
stands; a writer deletes value and lease in one command. So what was loaded before a write cannot be
stored after it, and at most one process loads. Source: Nishtala et al., "Scaling Memcache at
Facebook", NSDI 2013, section 3.2.1.

Each command may be lost, arrive late, or find that Redis has forgotten everything. None of that can
bring back an old value: a lease that is gone stores nothing, and a late command finds another's.
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
from services.caching.namespace import Namespace

#: Fewer than the client's pool has connections, so that a command never waits for one of those.
MOST_COMMANDS_AT_ONCE = 56

_FENCE = b"fence"

# The value is read again under the lease: somebody may have stored it since this reader missed.
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
_DROP = """
redis.call('DEL', KEYS[1], KEYS[2])
redis.call('PUBLISH', ARGV[1], ARGV[2])
"""


class Unreachable(Exception):
    """The cache did not answer, or is not asked at present. What a command did is unknown."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What a reader that missed finds: perhaps a value, its own lease, a writer's fence."""

    entry: Entry | None
    is_mine: bool
    is_fenced: bool


def new_token() -> bytes:
    # Unique, not secret.
    return f"{random.getrandbits(64):016x}".encode()


class Store:
    """Every method raises Unreachable. Lifetimes are in seconds."""

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
        self._places = asyncio.Semaphore(MOST_COMMANDS_AT_ONCE)
        self._claim = redis.register_script(_CLAIM)
        self._put = redis.register_script(_PUT)
        self._release = redis.register_script(_RELEASE)
        self._fence_off = redis.register_script(_FENCE_OFF)
        self._drop = redis.register_script(_DROP)

    async def find(self, key: str) -> Entry | None:
        stored = await self._call(self._redis.get, self.namespace.value(key))
        return None if stored is None else Entry.unpack(stored)

    async def claim(self, key: str, token: bytes, lifetime: float) -> Claim:
        """Take out the lease if nobody has it."""
        found = await self._run(self._claim, key, token, _milliseconds(lifetime))
        standing, stored = found
        return Claim(
            entry=None if stored is None else Entry.unpack(stored),
            is_mine=standing is None,
            is_fenced=standing is not None and standing.startswith(_FENCE),
        )

    async def put(self, key: str, token: bytes, entry: Entry, lifetime: float) -> bool:
        """Store and give back the lease; False, and nothing, if it no longer stands."""
        return bool(await self._run(self._put, key, token, entry.pack(), _milliseconds(lifetime)))

    async def release(self, key: str, token: bytes) -> None:
        await self._run(self._release, key, token)

    async def fence(self, key: str, lifetime: float) -> None:
        """Delete the value, and let nobody store one until it is dropped or the time is over."""
        await self._run(self._fence_off, key, _FENCE + new_token(), _milliseconds(lifetime))

    async def drop(self, key: str) -> None:
        """Delete value and lease, and tell whoever keeps copies."""
        await self._run(self._drop, key, self.namespace.invalidations, key)

    async def _run(self, script: Callable[..., Awaitable[Any]], key: str, *arguments: Any) -> Any:
        keys = [self.namespace.value(key), self.namespace.lease(key)]
        return await self._call(script, keys, arguments)

    async def _call(self, command: Callable[..., Awaitable[Any]], *arguments: Any) -> Any:
        if not self._breaker.admits:
            self._probe_if_due()
            raise Unreachable
        async with self._places:
            if not self._breaker.admits:  # it opened while this command waited
                raise Unreachable
            return await self._guarded(command, *arguments)

    async def _guarded(self, command: Callable[..., Awaitable[Any]], *arguments: Any) -> Any:
        try:
            result = await command(*arguments)
        except ResponseError as error:
            # It answers, if only to say no (out of memory, say): no reason to stop asking.
            self._breaker.succeeded()
            raise Unreachable from error
        except (RedisError, OSError) as error:
            self._breaker.failed()
            raise Unreachable from error
        self._breaker.succeeded()
        return result

    def _probe_if_due(self) -> None:
        if self._breaker.begin_probe():
            self._background.start(self._probe())

    async def _probe(self) -> None:
        succeeded = False
        try:
            # What is pooled leads to a server that has gone: each would fail once.
            await self._redis.connection_pool.disconnect(inuse_connections=False)
            succeeded = bool(await self._redis.ping())
        except (RedisError, OSError):
            pass
        finally:
            self._breaker.probed(succeeded)


def _milliseconds(seconds: float) -> int:
    return max(1, int(seconds * 1000))
