"""The epoch: a number, stored with the source, that can outdate all cache entries at once.

Each entry carries the epoch in which it was loaded. An entry of an earlier epoch counts as a miss.
A writer that cannot delete an entry begins the next epoch instead. Readers may use an epoch that
was read up to `maximum_age` seconds ago, so a hit rarely waits for the source. The writer waits
`maximum_age` seconds before it acknowledges, so every reader has seen the new epoch by then.

`epoch_table.py` stores the number in PostgreSQL.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from math import inf
from operator import attrgetter
from time import monotonic

from services.caching.background import Background
from services.caching.single_flight import SingleFlight

#: From this share of `maximum_age` on, a reader starts a background read. A higher share saves
#: reads. But readers wait if the answer takes longer than the remaining age.
_EARLY_READ_SHARE = 0.75


@dataclass(frozen=True, slots=True)
class _Reading:
    epoch: int
    asked_at: float  # when the query was sent; the value may be older than its arrival
    as_of: float


class Epoch:
    """The epoch as this process read it last.

    `load` reads the epoch from the source. `bump` begins the next epoch and returns it. The source
    may take `timeout_seconds` for either.
    """

    def __init__(
        self,
        load: Callable[[], Awaitable[int]],
        bump: Callable[[], Awaitable[int]],
        maximum_age: float,
        timeout_seconds: float,
        background: Background,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._load = load
        self._bump = bump
        self._maximum_age = maximum_age
        self._timeout_seconds = timeout_seconds
        self._background = background
        self._clock = clock
        self._flights: SingleFlight[_Reading] = SingleFlight(background, clock)
        self._last = _Reading(0, -inf, -inf)

    async def current(self) -> int:
        """Return the epoch as of at most `maximum_age` seconds ago.

        Raises the errors of `load`, and TimeoutError.
        """
        age = self._clock() - self._last.asked_at
        if age > self._maximum_age:
            await self._flights.run("load", self._read)
        elif age > self._maximum_age * _EARLY_READ_SHARE and not self._flights.is_loading("load"):
            self._background.start(self._flights.run("load", self._read))
        return self._last.epoch

    async def advance(self) -> None:
        """Return once no reader accepts an entry of the current epoch.

        Concurrent writers share the next bump. Raises the errors of `bump`, and TimeoutError.
        """
        await self._flights.run("bump", self._begin_next)
        deadline = self._clock() + self._maximum_age
        # uvloop's timers may fire early.
        while (remaining := deadline - self._clock()) > 0:  # noqa: ASYNC110 - waits for time to pass
            await asyncio.sleep(remaining)

    async def _read(self) -> _Reading:
        asked_at = self._clock()
        async with asyncio.timeout(self._timeout_seconds):
            epoch = await self._load()
        # A slow answer still serves callers that arrived up to `maximum_age` after the query.
        return self._keep_latest(_Reading(epoch, asked_at, asked_at + self._maximum_age))

    async def _begin_next(self) -> _Reading:
        asked_at = self._clock()
        async with asyncio.timeout(self._timeout_seconds):
            epoch = await self._bump()
        return self._keep_latest(_Reading(epoch, asked_at, asked_at))

    def _keep_latest(self, reading: _Reading) -> _Reading:
        # Answers may overtake each other. Keep the answer to the later query.
        self._last = max(self._last, reading, key=attrgetter("asked_at"))
        return reading
