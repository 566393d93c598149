"""Refreshes entries in the background: shortly before they expire, and after.

Each reader of an entry makes a random draw. A refresh gets likelier as the expiry comes nearer, and
for entries that take long to load. On average one reader refreshes the entry in time.
Source: Vattani, Chierichetti, Lowenstein, "Optimal Probabilistic Cache Stampede Prevention", VLDB
2015. The paper calls the algorithm XFetch; its parameter beta is 1 here, as recommended there.

`leased_loader.py` does the reloading.
"""

import random
from collections.abc import Awaitable, Callable
from math import log

from services.caching.background import Background
from services.caching.cache_answer import Outcome
from services.caching.entry import Entry
from services.caching.leased_loader import Load, LoadReason

#: The limit keeps connections to the source free for requests that wait for a load.
MAXIMUM_REFRESHES = 8

Reload = Callable[[str, Entry, Load, LoadReason], Awaitable[None]]


def is_due(now: float, expires_at: float, load_seconds: float, draw: float) -> bool:
    """Whether a reader refreshes the entry now. `draw` is a random number from [0, 1)."""
    return now - load_seconds * log(1 - draw) >= expires_at


class Refresher:
    """Runs at most one refresh per key and MAXIMUM_REFRESHES in total in this process.

    A failed refresh changes nothing; a later reader tries again.
    """

    def __init__(
        self, reload: Reload, background: Background, unix_time: Callable[[], float]
    ) -> None:
        self._reload = reload
        self._background = background
        self._unix_time = unix_time
        self._running: set[str] = set()

    def refresh_if_due(self, key: str, entry: Entry, load: Load) -> Outcome:
        """Start a refresh if it is due. Returns STALE for an expired entry, otherwise HIT."""
        # The draw spreads refreshes in time; nothing about it is secret.
        now, draw = self._unix_time(), random.random()  # noqa: S311
        if not is_due(now, entry.expires_at, entry.load_seconds, draw):
            return Outcome.HIT
        has_expired = now >= entry.expires_at
        if key not in self._running and len(self._running) < MAXIMUM_REFRESHES:
            self._running.add(key)
            reason = LoadReason.STALE if has_expired else LoadReason.EARLY
            self._background.start(self._refresh(key, entry, load, reason))
        return Outcome.STALE if has_expired else Outcome.HIT

    async def _refresh(self, key: str, entry: Entry, load: Load, reason: LoadReason) -> None:
        try:
            await self._reload(key, entry, load, reason)
        finally:
            self._running.discard(key)
