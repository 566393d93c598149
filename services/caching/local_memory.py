"""Cache entries in this process's memory, bounded in bytes and in lifetime.

A closed memory stores nothing. `subscription.py` closes the memory while messages about changes
cannot arrive.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

from services.caching.entry import Entry

#: Approximate memory for an entry apart from its body: key, metadata, and dictionary slots.
_OVERHEAD_BYTES = 400

#: Stores an entry that was current at an instant, in seconds of the memory's clock.
Put = Callable[[Entry, float], None]


class LocalMemory:
    """Stores entries; evicts the least recently used one when `maximum_bytes` is exceeded.

    `lifetime` is in seconds.
    """

    def __init__(
        self, maximum_bytes: int, lifetime: float, clock: Callable[[], float] = monotonic
    ) -> None:
        self._maximum_bytes = maximum_bytes
        self._lifetime = lifetime
        self._clock = clock
        self._entries: OrderedDict[str, tuple[Entry, float]] = OrderedDict()
        self._expected: dict[str, object] = {}
        self.is_open = False
        self.size_bytes = 0

    def open(self) -> None:
        self.is_open = True

    def close(self) -> None:
        self.is_open = False
        self._entries.clear()
        self._expected.clear()
        self.size_bytes = 0

    def find(self, key: str) -> Entry | None:
        """Return the entry unless it has expired."""
        found = self._entries.get(key)
        if found is None:
            return None
        entry, expires_at = found
        if self._clock() >= expires_at:
            self._remove(key)
            return None
        self._entries.move_to_end(key)
        return entry

    @contextmanager
    def expecting(self, key: str) -> Iterator[Put]:
        """Announce a lookup whose entry will be stored with the yielded function.

        The entry is not stored if the key is dropped during the lookup. Of concurrent lookups of a
        key, only the last announced may store. The entry's lifetime begins when it was current.
        """
        announced = object()
        if self.is_open:
            self._expected[key] = announced

        def put(entry: Entry, as_of: float) -> None:
            if self._expected.get(key) is announced:
                self._store(key, entry, as_of + self._lifetime)

        try:
            yield put
        finally:
            if self._expected.get(key) is announced:
                del self._expected[key]

    def drop(self, key: str) -> None:
        """Remove the entry, and ignore the results of lookups in progress."""
        self._expected.pop(key, None)
        self._remove(key)

    def _store(self, key: str, entry: Entry, expires_at: float) -> None:
        self._remove(key)
        self._entries[key] = (entry, expires_at)
        self.size_bytes += _bytes_of(entry)
        while self.size_bytes > self._maximum_bytes:
            self._remove(next(iter(self._entries)))

    def _remove(self, key: str) -> None:
        removed = self._entries.pop(key, None)
        if removed is not None:
            self.size_bytes -= _bytes_of(removed[0])


def _bytes_of(entry: Entry) -> int:
    return len(entry.body or b"") + _OVERHEAD_BYTES
