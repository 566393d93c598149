"""Copies in this process's memory: a bounded number of bytes, each copy for a bounded time.

Closed, it keeps nothing: so it is while nobody would tell it of a change.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

from services.caching.entry import Entry

#: What a copy costs beside its body, about: key, entry, and the places that hold them.
_OVERHEAD_BYTES = 400

Put = Callable[[Entry, float], None]


class LocalTier:
    """`most` is in bytes; `lifetime` in seconds. The copy used longest ago makes room."""

    def __init__(self, most: int, lifetime: float, clock: Callable[[], float] = monotonic) -> None:
        self._most = most
        self._lifetime = lifetime
        self._clock = clock
        self._copies: OrderedDict[str, tuple[Entry, float]] = OrderedDict()
        self._filling: dict[str, object] = {}
        self.is_open = False
        self.size = 0

    def open(self) -> None:
        self.is_open = True

    def close(self) -> None:
        self.is_open = False
        self._copies.clear()
        self._filling.clear()
        self.size = 0

    def find(self, key: str) -> Entry | None:
        found = self._copies.get(key)
        if found is None:
            return None
        entry, expires = found
        if self._clock() >= expires:
            self._remove(key)
            return None
        self._copies.move_to_end(key)
        return entry

    @contextmanager
    def filling(self, key: str) -> Iterator[Put]:
        """Announce a copy before asking for it: one that is dropped meanwhile is not kept.

        Of several for one key the last announced is kept. `put` takes the entry, and the instant as
        of which it is known to be right, from which its lifetime counts.
        """
        announced = object()
        if self.is_open:
            self._filling[key] = announced

        def put(entry: Entry, as_of: float) -> None:
            if self._filling.get(key) is announced:
                self._keep(key, entry, as_of + self._lifetime)

        try:
            yield put
        finally:
            if self._filling.get(key) is announced:
                del self._filling[key]

    def drop(self, key: str) -> None:
        self._filling.pop(key, None)
        self._remove(key)

    def _keep(self, key: str, entry: Entry, expires: float) -> None:
        self._remove(key)
        self._copies[key] = (entry, expires)
        self.size += _bytes_of(entry)
        while self.size > self._most:
            self._remove(next(iter(self._copies)))

    def _remove(self, key: str) -> None:
        removed = self._copies.pop(key, None)
        if removed is not None:
            self.size -= _bytes_of(removed[0])


def _bytes_of(entry: Entry) -> int:
    return len(entry.body or b"") + _OVERHEAD_BYTES
