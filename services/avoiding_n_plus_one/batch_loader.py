"""A loader that combines many requests for one key into few requests for many keys.

Calls of `load` in the same event loop iteration share one batch. The design is that of DataLoader,
begun at Facebook in 2010 and used by most GraphQL servers (github.com/graphql/dataloader).
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Iterable, Mapping, Sequence
from typing import Generic, Self, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")

#: Takes distinct keys in the order of the calls. Returns no entry for a key that does not exist.
LoadBatch = Callable[[Sequence[Key]], Awaitable[Mapping[Key, Value]]]


class MissingKey(LookupError):
    """The loaded batch has no value for the key."""


class BatchLoader(Generic[Key, Value]):
    """Loads values by key, in batches. A context manager for one request.

    Loaded values are kept until the block ends, so a request sees one state of each row. Keeping
    them longer would make an unbounded cache. Batches are loaded one after another, because a
    database connection runs one statement at a time. Keys requested during a batch form the next.
    """

    def __init__(self, load_batch: LoadBatch[Key, Value], maximum_batch: int) -> None:
        """`maximum_batch` is the number of keys in a batch; more keys take several batches.

        Raises ValueError below 1.
        """
        if maximum_batch < 1:
            raise ValueError("a batch holds at least one key")
        self._load_batch = load_batch
        self._maximum_batch = maximum_batch
        self._values: dict[Key, asyncio.Future[Value]] = {}
        self._waiting_keys: list[Key] = []
        self._loading: asyncio.Task[None] | None = None
        self._is_open = False

    async def __aenter__(self) -> Self:
        self._is_open = True
        return self

    async def __aexit__(self, *_: object) -> None:
        """Cancels waiting callers. Nothing uses the connection after the block."""
        self._is_open = False
        if self._loading is not None:
            self._loading.cancel()
            await asyncio.wait([self._loading])
        self._cancel_values()

    async def load(self, key: Key) -> Value:
        """The key's value. Raises MissingKey, or the error of loading the batch."""
        (value,) = await self.load_many((key,))
        return value

    async def load_or_none(self, key: Key) -> Value | None:
        """The key's value, or None for a missing key. Raises the error of loading the batch."""
        try:
            return await self.load(key)
        except MissingKey:
            return None

    async def load_many(self, keys: Iterable[Key]) -> list[Value]:
        """A value per key, in order. Raises the error of the first failed key, as `load` does."""
        values = [self._value(key) for key in keys]
        for value in values:
            if not value.done():
                # Without the shield, one cancelled caller would cancel the value of all others.
                await asyncio.shield(value)
        return [value.result() for value in values]

    def _value(self, key: Key) -> asyncio.Future[Value]:
        value = self._values.get(key)
        if value is None:
            if not self._is_open:
                raise RuntimeError("a BatchLoader loads only inside its `async with` block")
            value = self._values[key] = asyncio.get_running_loop().create_future()
            self._waiting_keys.append(key)
            if self._loading is None:
                # A new task starts in the next iteration, so this batch gets all keys of this one.
                self._loading = asyncio.create_task(self._load_waiting())
        return value

    async def _load_waiting(self) -> None:
        try:
            while self._waiting_keys:
                batch = self._waiting_keys[: self._maximum_batch]
                del self._waiting_keys[: self._maximum_batch]
                await self._load(batch)
        except asyncio.CancelledError:
            # Either `__aexit__` cancelled this task, or a driver raised its own timeout as a
            # cancellation. In both cases the callers would otherwise never return.
            self._cancel_values()
            raise
        finally:
            self._loading = None

    async def _load(self, batch: Sequence[Key]) -> None:
        try:
            values = await self._load_batch(batch)
        except Exception as error:  # noqa: BLE001 - every waiting caller gets the error
            for key in batch:
                # Removed, so that the next call for the key loads it again.
                _fail(self._values.pop(key), error)
            return
        for key in batch:
            if key in values:
                self._values[key].set_result(values[key])
            else:
                _fail(self._values[key], MissingKey(key))

    def _cancel_values(self) -> None:
        for value in self._values.values():
            value.cancel()
        self._values.clear()
        self._waiting_keys.clear()


def _fail(value: asyncio.Future[Value], error: Exception) -> None:
    value.set_exception(error)
    # Marks the error as retrieved. asyncio would log it if every caller had been cancelled.
    value.exception()
