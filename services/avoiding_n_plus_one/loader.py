"""A loader that turns many questions for one thing into few questions for many.

Code that needs the author of one comment asks for that one; whoever asks within the same tick of
the event loop is answered by the same batch. The idea is that of DataLoader, begun at Facebook in
2010 (github.com/graphql/dataloader), which stands behind most GraphQL servers.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Iterable, Mapping, Sequence
from typing import Generic, Self, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")

#: Takes distinct keys in the order in which they were asked for; leaves out what does not exist.
LoadBatch = Callable[[Sequence[Key]], Awaitable[Mapping[Key, Value]]]


class MissingKey(LookupError):
    """The batch was loaded, and this key was not in it."""


class Loader(Generic[Key, Value]):
    """Loads by key, in batches; to be entered and left with the request that it serves.

    What was loaded is kept until then, so that one request sees one state of a row; kept for
    longer it would be a cache without an end. Batches are loaded one after the other, since a
    database connection runs one statement at a time. Keys asked for while one is on its way make
    up the next.
    """

    def __init__(self, load_batch: LoadBatch[Key, Value], maximum_batch: int) -> None:
        """`maximum_batch` is in keys; more than those are loaded in several batches."""
        if maximum_batch < 1:
            raise ValueError("a batch holds at least one key")
        self._load_batch = load_batch
        self._maximum_batch = maximum_batch
        self._answers: dict[Key, asyncio.Future[Value]] = {}
        self._waiting: list[Key] = []
        self._loading: asyncio.Task[None] | None = None
        self._is_open = False

    async def __aenter__(self) -> Self:
        self._is_open = True
        return self

    async def __aexit__(self, *_: object) -> None:
        """Whoever still waits is cancelled; nothing uses the connection after this."""
        self._is_open = False
        if self._loading is not None:
            self._loading.cancel()
            await asyncio.wait([self._loading])
        self._abandon()

    async def load(self, key: Key) -> Value:
        """The key's value. Raises MissingKey, or what loading its batch raised."""
        (value,) = await self.load_many((key,))
        return value

    async def load_or_none(self, key: Key) -> Value | None:
        """The same, with None for a key that does not exist."""
        try:
            return await self.load(key)
        except MissingKey:
            return None

    async def load_many(self, keys: Iterable[Key]) -> list[Value]:
        """A value for each key, in their order. Raises what `load` raises for the first to fail."""
        answers = [self._ask(key) for key in keys]
        for answer in answers:
            if not answer.done():
                # Shielded: one who gives up must not take the answer from others who wait for it.
                await asyncio.shield(answer)
        return [answer.result() for answer in answers]

    def _ask(self, key: Key) -> asyncio.Future[Value]:
        answer = self._answers.get(key)
        if answer is None:
            if not self._is_open:
                raise RuntimeError("a loader lives as long as its request: enter it first")
            answer = self._answers[key] = asyncio.get_running_loop().create_future()
            self._waiting.append(key)
            if self._loading is None:
                # A new task begins in the next tick: whoever asks in this one comes along.
                self._loading = asyncio.create_task(self._load_waiting())
        return answer

    async def _load_waiting(self) -> None:
        try:
            while self._waiting:
                batch = self._waiting[: self._maximum_batch]
                del self._waiting[: self._maximum_batch]
                await self._answer(batch)
        except asyncio.CancelledError:
            # Not only from here: a driver may report its own timeout as a cancellation.
            self._abandon()
            raise
        finally:
            self._loading = None

    async def _answer(self, batch: Sequence[Key]) -> None:
        try:
            values = await self._load_batch(batch)
        except Exception as error:  # noqa: BLE001 - it goes to those who asked
            for key in batch:
                # Forgotten, so that asking again tries again.
                _fail(self._answers.pop(key), error)
            return
        for key in batch:
            if key in values:
                self._answers[key].set_result(values[key])
            else:
                _fail(self._answers[key], MissingKey(key))

    def _abandon(self) -> None:
        """Nobody may wait for an answer that will not come."""
        for answer in self._answers.values():
            answer.cancel()
        self._answers.clear()
        self._waiting.clear()


def _fail(answer: asyncio.Future[Value], error: Exception) -> None:
    answer.set_exception(error)
    answer.exception()  # seen: asyncio need not complain when whoever asked has gone meanwhile
