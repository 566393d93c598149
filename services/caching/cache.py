"""A cache-aside cache over Redis that never returns data older than an acknowledged write.

The promise holds under races and failures. Three mechanisms implement it:

    store.py          Redis reachable: leases stop a load from before a write from being stored
    epoch.py          Redis unreachable: a writer that cannot delete outdates all entries at once
    single_flight.py  in one process: a caller never gets the result of a load that began too early

If Redis fails, a lookup is a miss and reads the source. `leased_loader.py` handles misses,
`refresher.py` handles entries near their expiry.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any, TypeVar

from services.caching.background import Background
from services.caching.cache_answer import Answer, Outcome
from services.caching.cache_policy import CachePolicy, Clocks
from services.caching.entry import Entry
from services.caching.epoch import Epoch
from services.caching.leased_loader import CacheObserver, LeasedLoader, Load, LoadReason
from services.caching.refresher import Refresher
from services.caching.single_flight import SingleFlight
from services.caching.store import Store, Unreachable

Result = TypeVar("Result")

_SYSTEM_CLOCKS = Clocks()


class Cache:
    """Reads, writes and invalidates items by key.

    Close `background` with the service. `observer` receives the loads from the source.
    """

    def __init__(
        self,
        store: Store,
        epoch: Epoch,
        policy: CachePolicy,
        background: Background,
        observer: CacheObserver,
        clocks: Clocks = _SYSTEM_CLOCKS,
    ) -> None:
        self._store = store
        self._epoch = epoch
        self._policy = policy
        self._background = background
        self._clock = clocks.monotonic
        self._loader = LeasedLoader(store, epoch, policy, background, observer, clocks)
        self._refresher = Refresher(self._loader.refresh, background, clocks.unix)
        self._flights: SingleFlight[Answer] = SingleFlight(background, clocks.monotonic)

    async def get(self, key: str, load: Load) -> Answer:
        """Return the cached entry, or load it. Raises the errors of `load`, and TimeoutError."""
        as_of = self._clock()
        try:
            entry = await self._store.find(key)
        except Unreachable:
            return await self._load_only(key, load, LoadReason.ERROR)
        if entry is None:
            return await self._fill(key, load)
        try:
            epoch = await self._epoch.current()
        except self._policy.source_errors:
            return await self._load_or_serve_unverified(key, load, entry)
        if entry.epoch < epoch:
            return await self._fill(key, load)
        return Answer(entry, self._refresher.refresh_if_due(key, entry, load), as_of)

    def is_current(self, entry: Entry) -> Awaitable[bool]:
        """Whether no epoch has begun since the load. False if the source is unavailable."""
        return self._loader.is_current(entry)

    async def write(self, key: str, commit: Callable[[], Awaitable[Result]]) -> Result:
        """Return what `commit` returns, once no reader can get the data from before the write.

        If `commit` fails, its error is raised. The write may have been made or not, and the key is
        not cached for `fence_seconds`. If the epoch fails, its error is raised. The write was made
        then, but must not be acknowledged. A cancelled caller does not cancel the write.
        """
        return await asyncio.shield(self._background.start(self._write(key, commit)))

    async def invalidate(self, key: str) -> None:
        """Return once no reader can get an entry loaded before. Raises the errors of the epoch."""
        try:
            await self._store.delete(key)
        except Unreachable:
            await self._epoch.advance()

    async def _write(self, key: str, commit: Callable[[], Awaitable[Result]]) -> Result:
        # The fence is for a writer that dies between commit and invalidation. Without the fence,
        # readers would get the old entry until it expires.
        with suppress(Unreachable):
            await self._store.fence(key, self._policy.fence_seconds)
        result = await commit()
        await self.invalidate(key)
        return result

    async def _load_or_serve_unverified(self, key: str, load: Load, entry: Entry) -> Answer:
        as_of = self._clock()
        try:
            return await self._load_only(key, load, LoadReason.MISS)
        except self._policy.source_errors:
            if not self._policy.serve_unverified:
                raise
            return Answer(entry, Outcome.STALE, as_of, verified=False)

    async def _load_only(self, key: str, load: Load, reason: LoadReason) -> Answer:
        return await self._share(key, lambda: self._loader.load_only(load, reason))

    async def _fill(self, key: str, load: Load) -> Answer:
        return await self._share(key, lambda: self._loader.fill(key, load))

    async def _share(self, key: str, flight: Callable[[], Coroutine[Any, Any, Answer]]) -> Answer:
        answer, joined = await self._flights.run(key, flight)
        return answer._replace(outcome=Outcome.SHARED) if joined else answer
