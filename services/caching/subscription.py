"""Listens for what other processes invalidate, and closes the local tier while it cannot.

The client library would subscribe again in silence after a lost connection, and what was published
in between would be missing. So each subscription lives on one connection, and ends with it.
"""

import asyncio
from contextlib import aclosing, suppress

from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.exceptions import RedisError

from services.caching.local_tier import LocalTier

RETRY_SECONDS = 0.5
#: How long to wait for a message before waiting again; a lost connection shows at once.
_WAIT_SECONDS = 5.0


class Subscription:
    """`channel` carries keys; `run` goes on until it is cancelled."""

    def __init__(self, redis: Redis, channel: str, tier: LocalTier) -> None:
        self._redis = redis
        self._channel = channel
        self._tier = tier

    async def run(self) -> None:
        while True:
            with suppress(RedisError, OSError):
                await self._listen()
            await asyncio.sleep(RETRY_SECONDS)

    async def _listen(self) -> None:
        async with aclosing(self._redis.pubsub()) as messages:
            try:
                await messages.subscribe(self._channel)
                await self._pass_on(messages)
            finally:
                self._tier.close()

    async def _pass_on(self, messages: PubSub) -> None:
        while True:
            message = await messages.get_message(timeout=_WAIT_SECONDS)
            match message:
                case {"type": "subscribe"}:
                    self._tier.open()
                case {"type": "message", "data": bytes(key)}:
                    self._tier.drop(key.decode())
