"""A number beside the source of truth that outdates every cached value at once.

Each value in the cache carries the epoch in which its loader worked, and counts for nothing once a
later one has begun. A writer that cannot delete a value begins a new epoch instead. The price of
knowing it is small because nobody needs to know it at once: every process asks for it at most `age`
seconds ago, and the writer waits as long before it acknowledges. Whoever reads after that knows.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from math import inf
from time import monotonic

from services.caching.background import Background
from services.caching.single_flight import SingleFlight

#: From this share of its age on it is asked for again, behind the reader. The later the cheaper,
#: but an answer that comes after its age makes readers wait.
_EARLY = 0.75


@dataclass(frozen=True, slots=True)
class _Reading:
    epoch: int
    asked: float  # when the question left, since the answer may be older than its arrival
    as_of: float


class Epoch:
    """`load` and `bump` ask the source of truth for the epoch, and for the next one.

    `age` and `deadline` are in seconds: how old the knowledge of a reader may be, and how long the
    source may take to answer.
    """

    def __init__(
        self,
        load: Callable[[], Awaitable[int]],
        bump: Callable[[], Awaitable[int]],
        age: float,
        deadline: float,
        background: Background,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._load = load
        self._bump = bump
        self._age = age
        self._deadline = deadline
        self._background = background
        self._clock = clock
        self._flights: SingleFlight[_Reading] = SingleFlight(background, clock)
        self._last = _Reading(0, -inf, -inf)

    async def current(self) -> int:
        """The epoch, at most `age` ago. Raises what `load` raises, and TimeoutError."""
        age = self._clock() - self._last.asked
        if age > self._age:
            # A reading whose answer took long is still good for who came before it was asked.
            await self._flights.run("load", self._read)
        elif age > self._age * _EARLY and not self._flights.is_flying("load"):
            self._background.start(self._flights.run("load", self._read))
        return self._last.epoch

    async def advance(self) -> None:
        """Returns once no reader accepts a value of this epoch. Raises what `bump` raises.

        Writers that come while one advances share the next advance.
        """
        await self._flights.run("bump", self._begin_next)
        ended = self._clock() + self._age
        # A timer may fire a little early.
        while (left := ended - self._clock()) > 0:  # noqa: ASYNC110 - time is awaited, no condition
            await asyncio.sleep(left)

    async def _read(self) -> _Reading:
        asked = self._clock()
        async with asyncio.timeout(self._deadline):
            epoch = await self._load()
        return self._learn(_Reading(epoch, asked, asked + self._age))

    async def _begin_next(self) -> _Reading:
        asked = self._clock()
        async with asyncio.timeout(self._deadline):
            epoch = await self._bump()
        return self._learn(_Reading(epoch, asked, asked))

    def _learn(self, reading: _Reading) -> _Reading:
        # Answers may overtake each other.
        if reading.asked > self._last.asked:
            self._last = reading
        return reading
