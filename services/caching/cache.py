"""Cache-aside over Redis: a write that was acknowledged is never followed by a read of older data.

Whatever races, and whatever fails in between. Three mechanisms carry it, each in a module:

    store.py          Redis up: who loaded before a write cannot store after it (leases)
    epoch.py          Redis down: a writer that cannot delete outdates every value at once
    single_flight.py  within the process: nobody gets the result of a load begun before they came

A cache that fails is a miss: readers go to the source.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from time import monotonic, time
from typing import Any, NamedTuple, Protocol, TypeVar

from services.caching.background import Background
from services.caching.early_expiration import is_due
from services.caching.entry import Entry
from services.caching.epoch import Epoch
from services.caching.single_flight import SingleFlight
from services.caching.store import Claim, Store, Unreachable, new_token

#: Returns ready bytes, or None if there is no such thing.
Load = Callable[[], Awaitable[bytes | None]]
Result = TypeVar("Result")

#: Lifetimes are shortened by up to this share, so that values stored together expire apart.
_JITTER = 0.1
#: More would take the source's connections away from those who wait for an answer.
_MOST_REFRESHES = 8
_FIRST_PAUSE_SECONDS = 0.002
_LONGEST_PAUSE_SECONDS = 0.03


class Outcome(StrEnum):
    """Where an answer came from."""

    HIT = "hit"
    STALE = "stale"
    MISS = "miss"
    SHARED = "shared"
    ERROR = "error"


class Reason(StrEnum):
    """Why a value was loaded."""

    MISS = "miss"
    EARLY = "early"
    STALE = "stale"
    ERROR = "error"


class Observer(Protocol):
    """Is told what happens behind the answers."""

    def loaded(self, reason: Reason) -> None: ...


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """All in seconds.

    A value is fresh for `fresh`, then served for `stale` more while it is refreshed; that there is
    no such thing is remembered for `absent`. A load may take `lease`, a writer's statement `fence`.
    """

    fresh: float
    stale: float
    absent: float
    lease: float
    fence: float


class Answer(NamedTuple):
    """Every write acknowledged before `as_of` is in it, unless it could not be `verified`."""

    entry: Entry
    outcome: Outcome
    as_of: float
    verified: bool = True


class Cache:
    """`unavailable` is what `load` and the epoch raise when the source is out of reach.

    With `serve_unverified` a value is served then though its epoch cannot be verified; without,
    the error is raised.
    """

    def __init__(
        self,
        store: Store,
        epoch: Epoch,
        lifetimes: Lifetimes,
        background: Background,
        observer: Observer,
        unavailable: tuple[type[Exception], ...],
        serve_unverified: bool,
        clock: Callable[[], float] = monotonic,
        unix_time: Callable[[], float] = time,
    ) -> None:
        self._store = store
        self._epoch = epoch
        self._lifetimes = lifetimes
        self._background = background
        self._observer = observer
        self._unavailable = unavailable
        self._serve_unverified = serve_unverified
        self._clock = clock
        self._unix_time = unix_time
        self._flights: SingleFlight[Answer] = SingleFlight(background, clock)
        self._refreshing: set[str] = set()

    async def get(self, key: str, load: Load) -> Answer:
        """The cached value, else what `load` returns. Raises what that raises, and TimeoutError."""
        asked = self._clock()
        try:
            entry = await self._store.find(key)
        except Unreachable:
            return await self._shared(key, lambda: self._load(load, Reason.ERROR))
        if entry is None:
            return await self._shared(key, lambda: self._fill(key, load))
        try:
            epoch = await self._epoch.current()
        except self._unavailable:
            return await self._unverified(key, load, entry)
        if entry.epoch < epoch:
            return await self._shared(key, lambda: self._fill(key, load))
        return Answer(entry, self._refresh_if_due(key, entry, load), asked)

    async def is_current(self, entry: Entry) -> bool:
        """Whether no epoch has begun since the entry was loaded; False when nobody can tell."""
        try:
            return entry.epoch >= await self._epoch.current()
        except self._unavailable:
            return False

    async def write(self, key: str, commit: Callable[[], Awaitable[Result]]) -> Result:
        """What `commit` returns, once no reader can get what was there before it.

        Raises what `commit` raises: then nobody knows whether the write was made, and nothing is
        cached until its statement has surely ended. Raises what the epoch does: then the write was
        made, and must not be acknowledged. It goes on to its end if the caller gives up.
        """
        return await asyncio.shield(self._background.start(self._write(key, commit)))

    async def invalidate(self, key: str) -> None:
        """Returns once no reader can get a value loaded before. Raises what the epoch raises."""
        try:
            await self._store.drop(key)
        except Unreachable:
            await self._epoch.advance()

    async def _write(self, key: str, commit: Callable[[], Awaitable[Result]]) -> Result:
        # For a writer that dies between commit and invalidation, which acknowledges nothing: even
        # so its readers shall not be left with the old value until that expires.
        with suppress(Unreachable):
            await self._store.fence(key, self._lifetimes.fence)
        result = await commit()
        await self.invalidate(key)
        return result

    async def _unverified(self, key: str, load: Load, entry: Entry) -> Answer:
        asked = self._clock()
        try:
            return await self._shared(key, lambda: self._load(load, Reason.MISS))
        except self._unavailable:
            if not self._serve_unverified:
                raise
            return Answer(entry, Outcome.STALE, asked, verified=False)

    async def _shared(self, key: str, flight: Callable[[], Coroutine[Any, Any, Answer]]) -> Answer:
        answer, joined = await self._flights.run(key, flight)
        return answer._replace(outcome=Outcome.SHARED) if joined else answer

    async def _fill(self, key: str, load: Load) -> Answer:
        """Load under the lease, or wait for whoever holds it."""
        try:
            return await self._fill_from_store(key, load)
        except Unreachable:
            return await self._load(load, Reason.ERROR)

    async def _fill_from_store(self, key: str, load: Load) -> Answer:
        token = new_token()
        given_up = self._clock() + self._lifetimes.lease
        for pause in _pauses():
            asked = self._clock()
            claim = await self._store.claim(key, token, self._lifetimes.lease)
            try:
                epoch = await self._epoch.current()
            except self._unavailable:
                break
            if claim.entry is not None and claim.entry.epoch >= epoch:
                return await self._found(key, claim, claim.entry, token, asked)
            if claim.is_mine:
                return await self._load_and_store(key, token, load, epoch, Reason.MISS)
            if claim.is_fenced or self._clock() >= given_up:
                break
            await asyncio.sleep(pause)
        return await self._load(load, Reason.MISS)

    async def _found(
        self, key: str, claim: Claim, entry: Entry, token: bytes, asked: float
    ) -> Answer:
        if claim.is_mine:
            await self._release(key, token)
        return Answer(entry, Outcome.SHARED, asked)

    async def _load(self, load: Load, reason: Reason) -> Answer:
        """Without storing: correct whatever the cache does."""
        started = self._clock()
        entry = await self._entry(load, epoch=0, reason=reason)
        outcome = Outcome.ERROR if reason is Reason.ERROR else Outcome.MISS
        return Answer(entry, outcome, started)

    async def _load_and_store(
        self, key: str, token: bytes, load: Load, epoch: int, reason: Reason
    ) -> Answer:
        """The epoch must have been known before this."""
        started = self._clock()
        try:
            entry = await self._entry(load, epoch, reason)
        except BaseException:
            self._background.start(self._release(key, token))
            raise
        stood = self._clock()
        try:
            stored = await self._store.put(key, token, entry, self._kept(entry))
        except Unreachable:
            return Answer(entry, Outcome.ERROR, started)
        # The lease stood, and so did the epoch: no write was acknowledged meanwhile, and who came
        # while the load was running may have its result.
        unchanged = stored and await self.is_current(entry)
        return Answer(entry, Outcome.MISS, stood if unchanged else started)

    async def _entry(self, load: Load, epoch: int, reason: Reason) -> Entry:
        started = self._clock()
        self._observer.loaded(reason)
        async with asyncio.timeout(self._lifetimes.lease):
            body = await load()
        lifetime = self._lifetimes.absent if body is None else self._lifetimes.fresh
        expires = self._unix_time() + _jittered(lifetime)
        return Entry.of(body, epoch, expires, self._clock() - started)

    def _kept(self, entry: Entry) -> float:
        """For how long Redis keeps it."""
        left = entry.expires - self._unix_time()
        return left if entry.body is None else left + self._lifetimes.stale

    async def _release(self, key: str, token: bytes) -> None:
        with suppress(Unreachable):  # then it expires
            await self._store.release(key, token)

    def _refresh_if_due(self, key: str, entry: Entry, load: Load) -> Outcome:
        # Spread in time, not secret.
        now, draw = self._unix_time(), random.random()  # noqa: S311
        if not is_due(now, entry.expires, entry.seconds, draw):
            return Outcome.HIT
        is_stale = now >= entry.expires
        if key not in self._refreshing and len(self._refreshing) < _MOST_REFRESHES:
            self._refreshing.add(key)
            reason = Reason.STALE if is_stale else Reason.EARLY
            self._background.start(self._refresh(key, entry, load, reason))
        return Outcome.STALE if is_stale else Outcome.HIT

    async def _refresh(self, key: str, entry: Entry, load: Load, reason: Reason) -> None:
        try:
            with suppress(Unreachable, *self._unavailable):
                await self._replace(key, entry, load, reason)
        finally:
            self._refreshing.discard(key)

    async def _replace(self, key: str, entry: Entry, load: Load, reason: Reason) -> None:
        token = new_token()
        claim = await self._store.claim(key, token, self._lifetimes.lease)
        if not claim.is_mine:
            return
        if claim.entry is not None and claim.entry.expires > entry.expires:
            await self._release(key, token)  # somebody was quicker
            return
        epoch = await self._epoch.current()
        await self._load_and_store(key, token, load, epoch, reason)


def _jittered(lifetime: float) -> float:
    # Spread in time, not secret.
    return lifetime * (1 - _JITTER * random.random())  # noqa: S311


def _pauses() -> Iterator[float]:
    """Ever longer, and at random, so that the waiting processes do not come together."""
    pause = _FIRST_PAUSE_SECONDS
    while True:
        yield pause * (0.5 + random.random() / 2)  # noqa: S311
        pause = min(pause * 1.5, _LONGEST_PAUSE_SECONDS)
