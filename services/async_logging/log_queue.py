"""A bounded queue between those who log and the one thread that writes.

`offer` never waits: a line that finds no room is dropped and counted, since a request must not wait
for a disk. Whoever would rather wait asks `room` before, with a deadline.

At any moment accepted = written + failed + waiting; what was offered is accepted or dropped.
"""

import asyncio
import sys
import threading
from collections import deque
from collections.abc import Sequence
from typing import Protocol

from services.async_logging.policy import Policy
from services.async_logging.record import Level

_NEVER = sys.maxsize
_WARNING = Level.WARNING  # a global, since the members of an enumeration are slow to look up


class Observer(Protocol):
    """Told how many records met each outcome.

    From any thread, but never from two at once; must return at once and must not log.
    """

    def accepted(self, count: int) -> None: ...

    def sampled(self, count: int) -> None: ...

    def dropped(self, count: int) -> None: ...

    def written(self, count: int) -> None: ...

    def failed(self, count: int) -> None: ...


class LogQueue:
    """At most `size` lines wait, those that are just being written among them.

    Any thread may offer; one takes, and says what became of what it took before it takes again.
    """

    def __init__(self, size: int, policy: Policy, observer: Observer) -> None:
        self.policy = policy
        self._observer = observer
        self._size = size
        # Of these an ordinary line finds room; never none, however small the queue.
        self._ordinary = max(1, size - round(size * policy.reserve))
        self._lines: deque[bytes] = deque()
        self._taken = 0
        self._lock = threading.Lock()
        self._ready = threading.Condition(self._lock)
        self._wanted = _NEVER  # the writer sleeps until so many lines are there
        self._closing = False
        self._abandoned = False
        self._stalled = False
        self._waiters: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    @property
    def waiting(self) -> int:
        return len(self._lines) + self._taken

    @property
    def full(self) -> bool:
        return self.waiting >= self._size

    def offer(self, line: bytes, level: Level) -> bool:
        """Whether the line was accepted; False when there is no room for it, or no longer."""
        with self._lock:
            room = self._size if level >= _WARNING else self._ordinary
            if self._closing or len(self._lines) + self._taken >= room:
                self._observer.dropped(1)
                return False
            self._observer.accepted(1)
            self._lines.append(line)
            if len(self._lines) >= self._wanted:
                self._wanted = _NEVER  # one who is awake need not be woken again
                self._ready.notify()
            return True

    def sampled(self, count: int) -> None:
        """Lines that were left out on purpose and so are not offered."""
        with self._lock:
            self._observer.sampled(count)

    async def room(self, seconds: float) -> bool:
        """Wait for room, at most so long; whether there is any. For whoever runs an event loop.

        Once somebody has waited in vain nobody waits until something is written again: a sink that
        hangs costs the requests of that moment their deadline, and those that follow nothing.
        """
        written = asyncio.Event()
        waiter = (asyncio.get_running_loop(), written)
        with self._lock:
            if not self.full or self._stalled or self._closing:
                return not self.full
            self._waiters.append(waiter)
        try:
            async with asyncio.timeout(seconds):
                await written.wait()
        except TimeoutError:
            self._stalled = self.full
        finally:
            with self._lock:
                self._waiters.remove(waiter)
        return not self.full

    def take(self, most: int, linger: float) -> Sequence[bytes]:
        """The oldest lines; waits for the first without end, for others `linger` seconds at most.

        Empty once the queue is closed and nothing waits any more.
        """
        with self._lock:
            self._sleep(1, None)
            # Never for more than can come: a queue smaller than a batch would drop meanwhile.
            self._sleep(min(most, self._ordinary), linger)
            # Before they are gone: `full` is asked without the lock, and may err on that side only.
            self._taken = min(most, len(self._lines))
            return self._first(self._taken)

    def _first(self, count: int) -> Sequence[bytes]:
        if count < len(self._lines):
            return [self._lines.popleft() for _ in range(count)]
        # At one go: whoever offers waits for the lock meanwhile.
        lines, self._lines = self._lines, deque()
        return lines

    def _sleep(self, count: int, timeout: float | None) -> None:
        self._wanted = count
        self._ready.wait_for(lambda: len(self._lines) >= count or self._closing, timeout)
        self._wanted = _NEVER

    def settle(self, written: bool) -> None:
        """What was taken last is written, or it has failed."""
        with self._lock:
            count, self._taken = self._taken, 0
            if self._abandoned:
                return  # counted already
            (self._observer.written if written else self._observer.failed)(count)
            self._stalled = False
            self._wake_waiters()

    def close(self) -> None:
        """Refuse what is offered from now on; what waits can still be taken."""
        with self._lock:
            self._closing = True
            self._ready.notify()
            self._wake_waiters()

    def abandon(self) -> int:
        """Refuse, give up what waits: how many lines that were, now counted as failed."""
        with self._lock:
            self._closing = True
            lost = self.waiting
            self._lines.clear()
            self._taken = 0
            self._abandoned = True
            self._observer.failed(lost)
            return lost

    def _wake_waiters(self) -> None:
        for loop, written in self._waiters:
            loop.call_soon_threadsafe(written.set)
