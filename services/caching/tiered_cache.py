"""A cache in the process over the one in Redis.

What it promises is weaker: another process's write shows here once its message has arrived, and
after the local tier's lifetime at the latest. This process's own writes show at once, and so does
the epoch that a writer begins who cannot reach Redis.
"""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from services.caching.cache import Answer, Cache, Load, Outcome
from services.caching.local_tier import LocalTier

Result = TypeVar("Result")


class TieredCache:
    """Like Cache, from which it raises whatever that raises."""

    def __init__(self, cache: Cache, local: LocalTier) -> None:
        self._cache = cache
        self._local = local

    async def get(self, key: str, load: Load) -> Answer:
        entry = self._local.find(key)
        if entry is not None and await self._cache.is_current(entry):
            return Answer(entry, Outcome.HIT, 0.0)
        with self._local.filling(key) as put:
            answer = await self._cache.get(key, load)
            if answer.verified:
                put(answer.entry, answer.as_of)
            return answer

    async def write(self, key: str, commit: Callable[[], Awaitable[Result]]) -> Result:
        try:
            return await self._cache.write(key, commit)
        finally:
            self._local.drop(key)

    async def invalidate(self, key: str) -> None:
        try:
            await self._cache.invalidate(key)
        finally:
            self._local.drop(key)
