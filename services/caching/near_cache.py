"""A near cache: a cache in this process's memory in front of the cache in Redis.

Its promise is weaker than that of `cache.py`. Writes of another process become visible when the
message arrives, or after the local lifetime at the latest. Own writes are visible at once. A new
epoch outdates local entries too.

`local_memory.py` stores the entries, `subscription.py` receives the messages.
"""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from services.caching.cache import Cache
from services.caching.cache_answer import Answer, Outcome
from services.caching.leased_loader import Load
from services.caching.local_memory import LocalMemory

Result = TypeVar("Result")


class NearCache:
    """Offers get, write and invalidate like Cache, and raises the same errors."""

    def __init__(self, cache: Cache, memory: LocalMemory) -> None:
        self._cache = cache
        self._memory = memory

    async def get(self, key: str, load: Load) -> Answer:
        entry = self._memory.find(key)
        if entry is not None and await self._cache.is_current(entry):
            return Answer(entry, Outcome.HIT, 0.0)
        with self._memory.expecting(key) as put:
            answer = await self._cache.get(key, load)
            if answer.verified:
                put(answer.entry, answer.as_of)
            return answer

    async def write(self, key: str, commit: Callable[[], Awaitable[Result]]) -> Result:
        try:
            return await self._cache.write(key, commit)
        finally:
            self._memory.drop(key)

    async def invalidate(self, key: str) -> None:
        try:
            await self._cache.invalidate(key)
        finally:
            self._memory.drop(key)
