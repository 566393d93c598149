"""Who has which connection, which are free, who waits: the part of the pool that decides.

No input or output, no clock, no event loop: times come in as numbers of one clock, in seconds, and
what is to be done goes out as a value. `pool.py` does it.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from types import CodeType
from typing import Generic, Protocol, TypeVar

Lent = TypeVar("Lent")
LentNow = TypeVar("LentNow", contravariant=True)


class TooManyWaiting(Exception):
    """Nobody else may wait: fail now, and let the client come back, rather than queue for long."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How many connections and waiters there may be, and for how long. Durations in seconds."""

    minimum: int
    maximum: int
    waiting: int = 1000
    timeout: float = 5.0
    check_idle: float = 5.0  # asked whether it lives, before it is lent, when idle for longer
    maximum_idle: float = 300.0  # closed when idle for longer, down to the minimum
    maximum_age: float = 1800.0
    leak_after: float = 15.0


class Entry(Generic[Lent]):
    """A connection, and what is known of it."""

    __slots__ = ("borrowed", "connection", "expires", "line", "place", "reported", "returned")

    def __init__(self, connection: Lent, now: float, expires: float) -> None:
        self.connection = connection
        self.expires = expires
        self.returned = now
        self.borrowed = now
        self.place: CodeType | None = None
        self.line = 0
        self.reported = False

    @property
    def borrower(self) -> str:
        """Where it was borrowed last: file, line and function."""
        if self.place is None:
            return "nowhere"
        return f"{self.place.co_filename}:{self.line} in {self.place.co_qualname}"


class Waiter(Protocol[LentNow]):
    """An asyncio.Future, as far as it is needed here."""

    def done(self) -> bool: ...

    def set_result(self, entry: LentNow, /) -> None: ...


class Ledger(Generic[Lent]):
    """The books of a pool. An entry is free or lent; a connection being opened is only counted."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.free: list[Entry[Lent]] = []
        self.lent: set[Entry[Lent]] = set()
        self.waiters: deque[Waiter[Entry[Lent]]] = deque()
        self.opening = 0
        self._suspected = float("-inf")

    @property
    def size(self) -> int:
        """Connections that are open."""
        return len(self.free) + len(self.lent)

    def borrow(self) -> Entry[Lent] | None:
        """The free connection used last: the others get the chance to be idle, and to go."""
        if not self.free:
            return None
        entry = self.free.pop()
        self.lent.add(entry)
        return entry

    def give(self, entry: Entry[Lent], now: float) -> None:
        """To who has waited longest; free if nobody does. Opened now, or given back."""
        entry.returned = entry.borrowed = now
        while self.waiters:
            waiter = self.waiters.popleft()
            if not waiter.done():  # or else it gave up, and has yet to notice
                self.lent.add(entry)
                waiter.set_result(entry)
                return
        self.lent.discard(entry)
        self.free.append(entry)

    def strike(self, entry: Entry[Lent]) -> None:
        """It is closed, or about to be."""
        self.lent.discard(entry)
        if entry in self.free:
            self.free.remove(entry)

    def join(self, waiter: Waiter[Entry[Lent]]) -> None:
        """Raises TooManyWaiting."""
        if len(self.waiters) >= self.limits.waiting:
            raise TooManyWaiting(f"{len(self.waiters)} are waiting for a connection already")
        self.waiters.append(waiter)

    def leave(self, waiter: Waiter[Entry[Lent]]) -> None:
        if waiter in self.waiters:
            self.waiters.remove(waiter)

    def to_open(self) -> int:
        """How many to begin opening now.

        What is missing to the minimum, all at once. Beyond it one at a time, while somebody waits:
        a burst is mostly over, served by connections that come back, before a second one is open.
        """
        limits = self.limits
        total = self.size + self.opening
        if total < limits.minimum:
            return limits.minimum - total
        return int(bool(self.waiters) and not self.opening and total < limits.maximum)

    def suspect(self, now: float) -> None:
        """One has died in use. What took it may have taken the others: check each once."""
        self._suspected = now

    def to_check(self, entry: Entry[Lent], now: float) -> bool:
        return entry.returned < max(self._suspected, now - self.limits.check_idle)

    def too_old(self, now: float) -> list[Entry[Lent]]:
        """The free connections past their age."""
        return [entry for entry in self.free if now >= entry.expires]

    def to_spare(self, now: float) -> list[Entry[Lent]]:
        """The free connections beyond the minimum that nobody has needed for long."""
        surplus = max(0, self.size - self.limits.minimum)
        since = now - self.limits.maximum_idle
        # Those at the front have been free for longest.
        return [entry for entry in self.free if entry.returned <= since][:surplus]

    def leaks(self, now: float) -> Iterator[Entry[Lent]]:
        """Each connection held for too long, once for each time that it is lent."""
        since = now - self.limits.leak_after
        for entry in self.lent:
            if entry.borrowed <= since and not entry.reported:
                entry.reported = True
                yield entry
