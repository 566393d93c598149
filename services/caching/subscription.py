"""Receives the keys that other processes invalidate, and removes them from the local memory.

After a lost connection redis-py would subscribe again silently, and messages sent meanwhile would
be missing. Each subscription here therefore uses one connection and ends with that connection. The
local memory is closed while there is no subscription.
"""

import asyncio
from contextlib import aclosing, suppress

from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.exceptions import RedisError

from services.caching.local_memory import LocalMemory

RETRY_SECONDS = 0.5
#: How long one call waits for a message. A lost connection ends the call at once.
_WAIT_SECONDS = 5.0


class Subscription:
    """Listens on `channel`, whose messages are keys."""

    def __init__(self, redis: Redis, channel: str, memory: LocalMemory) -> None:
        self._redis = redis
        self._channel = channel
        self._memory = memory

    async def run(self) -> None:
        """Subscribe and listen until cancelled."""
        while True:
            with suppress(RedisError, OSError):
                await self._listen()
            await asyncio.sleep(RETRY_SECONDS)

    async def _listen(self) -> None:
        async with aclosing(self._redis.pubsub()) as messages:
            try:
                await messages.subscribe(self._channel)
                await self._process(messages)
            finally:
                self._memory.close()

    async def _process(self, messages: PubSub) -> None:
        while True:
            message = await messages.get_message(timeout=_WAIT_SECONDS)
            match message:
                case {"type": "subscribe"}:
                    self._memory.open()
                case {"type": "message", "data": bytes(key)}:
                    self._memory.drop(key.decode())
