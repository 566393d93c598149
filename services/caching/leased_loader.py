"""Loads entries from the source and stores them in Redis, one process at a time for each key.

A loader stores its result only while its lease stands, so a write during the load wins.
`store.py` implements the leases, `epoch.py` the epoch that each entry carries.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from enum import StrEnum
from typing import Protocol

from services.caching.background import Background
from services.caching.cache_answer import Answer, Outcome
from services.caching.cache_policy import CachePolicy, Clocks
from services.caching.entry import Entry
from services.caching.epoch import Epoch
from services.caching.store import Store, Unreachable, new_token

#: Reads an item from the source. Returns its bytes, or None if the source has no such item.
Load = Callable[[], Awaitable[bytes | None]]

#: Lifetimes are shortened by up to this share, so that entries stored together expire apart.
_JITTER = 0.1
_FIRST_PAUSE_SECONDS = 0.002
_MAXIMUM_PAUSE_SECONDS = 0.03
_PAUSE_GROWTH = 1.5
#: A load without a lease is never stored, so its entry needs no epoch.
_NO_EPOCH = 0


class LoadReason(StrEnum):
    """Why an item was loaded from the source."""

    MISS = "miss"
    EARLY = "early"  # refreshed before the entry expires
    STALE = "stale"  # refreshed after the entry has expired
    ERROR = "error"  # Redis is unreachable


class CacheObserver(Protocol):
    """Receives an event for each load from the source."""

    def loaded(self, reason: LoadReason) -> None: ...


class LeasedLoader:
    """Loads items for `Cache`. Loads raise the source's errors, or TimeoutError after the lease."""

    def __init__(
        self,
        store: Store,
        epoch: Epoch,
        policy: CachePolicy,
        background: Background,
        observer: CacheObserver,
        clocks: Clocks,
    ) -> None:
        self._store = store
        self._epoch = epoch
        self._policy = policy
        self._background = background
        self._observer = observer
        self._clock = clocks.monotonic
        self._unix_time = clocks.unix

    async def load_only(self, load: Load, reason: LoadReason) -> Answer:
        """Load without storing. The result is correct whatever state Redis is in."""
        as_of = self._clock()
        entry = await self._load_entry(load, _NO_EPOCH, reason)
        outcome = Outcome.ERROR if reason is LoadReason.ERROR else Outcome.MISS
        return Answer(entry, outcome, as_of)

    async def fill(self, key: str, load: Load) -> Answer:
        """Load and store under the lease, or wait for the process that holds the lease."""
        try:
            return await self._claim_and_fill(key, load)
        except Unreachable:
            return await self.load_only(load, LoadReason.ERROR)

    async def refresh(self, key: str, entry: Entry, load: Load, reason: LoadReason) -> None:
        """Refresh an entry, unless another process refreshes it or has already done so.

        Raises Unreachable, and the source's errors.
        """
        token = new_token()
        claim = await self._store.claim(key, token, self._policy.lease_seconds)
        if not claim.is_mine:
            return
        if claim.entry is not None and claim.entry.expires_at > entry.expires_at:
            await self._release(key, token)
            return
        epoch = await self._epoch.current()
        await self._load_and_store(key, token, load, epoch, reason)

    async def is_current(self, entry: Entry) -> bool:
        """Whether no epoch has begun since the load. False if the source is unavailable."""
        try:
            return entry.epoch >= await self._epoch.current()
        except self._policy.source_errors:
            return False

    async def _claim_and_fill(self, key: str, load: Load) -> Answer:
        token = new_token()
        deadline = self._clock() + self._policy.lease_seconds
        for pause in retry_pauses():
            as_of = self._clock()
            claim = await self._store.claim(key, token, self._policy.lease_seconds)
            try:
                epoch = await self._epoch.current()
            except self._policy.source_errors:
                # The load will probably fail too. Without its lease, the next reader can retry.
                if claim.is_mine:
                    self._background.start(self._release(key, token))
                break
            if claim.entry is not None and claim.entry.epoch >= epoch:
                if claim.is_mine:
                    await self._release(key, token)
                return Answer(claim.entry, Outcome.SHARED, as_of)
            if claim.is_mine:
                return await self._load_and_store(key, token, load, epoch, LoadReason.MISS)
            if claim.is_fenced or self._clock() >= deadline:
                break
            await asyncio.sleep(pause)
        return await self.load_only(load, LoadReason.MISS)

    async def _load_and_store(
        self, key: str, token: bytes, load: Load, epoch: int, reason: LoadReason
    ) -> Answer:
        """Load under a lease. The caller must have read the epoch before this call."""
        started_at = self._clock()
        try:
            entry = await self._load_entry(load, epoch, reason)
        except BaseException:
            self._background.start(self._release(key, token))
            raise
        loaded_at = self._clock()
        try:
            stored = await self._store.put(key, token, entry, self._redis_lifetime(entry))
        except Unreachable:
            return Answer(entry, Outcome.ERROR, started_at)
        # If lease and epoch both stood, no write was acknowledged during the load. Callers that
        # arrived during the load may then have its result.
        unchanged = stored and await self.is_current(entry)
        return Answer(entry, Outcome.MISS, loaded_at if unchanged else started_at)

    async def _load_entry(self, load: Load, epoch: int, reason: LoadReason) -> Entry:
        started_at = self._clock()
        self._observer.loaded(reason)
        async with asyncio.timeout(self._policy.lease_seconds):
            body = await load()
        lifetime = self._policy.absent_lifetime if body is None else self._policy.lifetime
        expires_at = self._unix_time() + with_jitter(lifetime)
        return Entry.of(body, epoch, expires_at, self._clock() - started_at)

    def _redis_lifetime(self, entry: Entry) -> float:
        """Seconds after which Redis deletes the entry."""
        remaining = entry.expires_at - self._unix_time()
        return remaining if entry.body is None else remaining + self._policy.stale_lifetime

    async def _release(self, key: str, token: bytes) -> None:
        with suppress(Unreachable):  # the lease then expires
            await self._store.release(key, token)


def with_jitter(lifetime: float) -> float:
    """The lifetime, shortened by a random share."""
    return lifetime * (1 - _JITTER * random.random())  # noqa: S311 - spread in time, not secret


def retry_pauses() -> Iterator[float]:
    """Growing pauses in seconds. A random share keeps waiting processes from retrying together."""
    pause = _FIRST_PAUSE_SECONDS
    while True:
        yield pause * (0.5 + random.random() / 2)  # noqa: S311
        pause = min(pause * _PAUSE_GROWTH, _MAXIMUM_PAUSE_SECONDS)
