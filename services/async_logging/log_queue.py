"""A bounded queue between the requests that log and the one thread that writes.

`offer` never waits, because a request must not wait for a disk. If there is no room, `offer` drops
the line and counts the drop. A caller that prefers to wait awaits `wait_for_room` first.

At any moment accepted = written + failed + depth, and offered = accepted + dropped. Next:
`request_log.py` offers the lines, `log_writer.py` takes and writes them.
"""

import asyncio
import sys
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from services.async_logging.log_record import Level

#: The share of the queue that the policy `shed` keeps for warnings and higher levels.
RESERVED_SHARE = 0.2

_NEVER = sys.maxsize
_WARNING = Level.WARNING  # a global, because reading a member of an enumeration is slow


@dataclass(frozen=True, slots=True)
class OverflowPolicy:
    """What happens when the queue is full or nearly full.

    `reserved_share`: share of the queue that only warnings and higher levels may fill.
    `wait_seconds`: how long a request may wait for room at its end.
    """

    reserved_share: float = 0.0
    wait_seconds: float = 0.0


def overflow_policy(name: str, wait_seconds: float) -> OverflowPolicy:
    """The policy of this name. Raises KeyError for an unknown name.

    - `drop` drops the newest line when the queue is full.
    - `shed` drops lines below WARNING once the queue is 80 % full.
    - `block` lets a request wait `wait_seconds` for room, and then drops the line.
    """
    policies = {
        "drop": OverflowPolicy(),
        "shed": OverflowPolicy(reserved_share=RESERVED_SHARE),
        "block": OverflowPolicy(wait_seconds=wait_seconds),
    }
    return policies[name]


class LogObserver(Protocol):
    """Receives the number of records for each outcome.

    The queue calls it from any thread, but never from two at once. The methods must return at once
    and must not log.
    """

    def accepted(self, count: int) -> None: ...

    def sampled(self, count: int) -> None: ...

    def dropped(self, count: int) -> None: ...

    def written(self, count: int) -> None: ...

    def failed(self, count: int) -> None: ...


class LogQueue:
    """Holds at most `size` lines, including the batch that is being written.

    Any thread may call `offer`. Only one thread may call `take`, and it must call `finish_batch`
    before it takes again.
    """

    def __init__(self, size: int, policy: OverflowPolicy, observer: LogObserver) -> None:
        self.policy = policy
        self._observer = observer
        self._size = size
        # Room for lines below WARNING. At least one, however small the queue.
        self._unreserved = max(1, size - round(size * policy.reserved_share))
        self._lines: deque[bytes] = deque()
        self._batch_lines = 0  # lines taken by the writer and not yet finished
        self._lock = threading.Lock()
        self._ready = threading.Condition(self._lock)
        self._wake_at = _NEVER  # the number of lines at which `offer` wakes the writer
        self._is_closed = False
        self._is_abandoned = False
        self._is_stalled = False
        self._waiters: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    @property
    def depth(self) -> int:
        """Lines that are accepted and neither written nor failed."""
        return len(self._lines) + self._batch_lines

    @property
    def is_full(self) -> bool:
        return self.depth >= self._size

    def offer(self, line: bytes, level: Level) -> bool:
        """Append the line. Returns False, and counts a drop, if the queue is full or closed."""
        with self._lock:
            room = self._size if level >= _WARNING else self._unreserved
            if self._is_closed or len(self._lines) + self._batch_lines >= room:
                self._observer.dropped(1)
                return False
            self._observer.accepted(1)
            self._lines.append(line)
            if len(self._lines) >= self._wake_at:
                self._wake_at = _NEVER  # the writer is awake: later lines need not notify again
                self._ready.notify()
            return True

    def count_sampled(self, count: int) -> None:
        """Count records that sampling left out, which are therefore never offered."""
        with self._lock:
            self._observer.sampled(count)

    async def wait_for_room(self, timeout: float) -> bool:
        """Wait at most `timeout` seconds until the queue is not full. Returns whether it has room.

        After one caller has timed out, later calls return at once until the writer finishes a
        batch. If a sink hangs, only the callers that are waiting at that time are delayed.
        """
        batch_finished = asyncio.Event()
        waiter = (asyncio.get_running_loop(), batch_finished)
        with self._lock:
            if not self.is_full or self._is_stalled or self._is_closed:
                return not self.is_full
            self._waiters.append(waiter)
        try:
            async with asyncio.timeout(timeout):
                await batch_finished.wait()
        except TimeoutError:
            self._is_stalled = self.is_full
        finally:
            with self._lock:
                self._waiters.remove(waiter)
        return not self.is_full

    def take(self, maximum: int, linger: float) -> Sequence[bytes]:
        """Take the oldest lines, at most `maximum`. Empty once the queue is closed and drained.

        Blocks without limit until the first line arrives, then at most `linger` seconds for more.
        """
        with self._lock:
            self._wait_for_lines(1, None)
            # A queue smaller than a batch never holds `maximum` lines. Waiting for them would only
            # drop lines meanwhile.
            self._wait_for_lines(min(maximum, self._unreserved), linger)
            # Set before the lines are removed. `is_full` reads without the lock. It may count a
            # line twice, but must not miss a line.
            self._batch_lines = min(maximum, len(self._lines))
            return self._pop(self._batch_lines)

    def _pop(self, count: int) -> Sequence[bytes]:
        if count < len(self._lines):
            return [self._lines.popleft() for _ in range(count)]
        # Swapping the deque is fast. Callers of `offer` wait for the lock meanwhile.
        lines, self._lines = self._lines, deque()
        return lines

    def _wait_for_lines(self, count: int, timeout: float | None) -> None:
        self._wake_at = count
        self._ready.wait_for(lambda: len(self._lines) >= count or self._is_closed, timeout)
        self._wake_at = _NEVER

    def finish_batch(self, written: bool) -> None:
        """Count the lines of the last `take` as written or failed, and make room for others."""
        with self._lock:
            count, self._batch_lines = self._batch_lines, 0
            if self._is_abandoned:
                return  # `abandon` has counted these lines already
            (self._observer.written if written else self._observer.failed)(count)
            self._is_stalled = False
            self._wake_waiters()

    def close(self) -> None:
        """Refuse further lines. Lines in the queue can still be taken."""
        with self._lock:
            self._is_closed = True
            self._ready.notify()
            self._wake_waiters()

    def abandon(self) -> int:
        """Refuse further lines, count the lines in the queue as failed; return their number."""
        with self._lock:
            self._is_closed = True
            lost = self.depth
            self._lines.clear()
            self._batch_lines = 0
            self._is_abandoned = True
            self._observer.failed(lost)
            return lost

    def _wake_waiters(self) -> None:
        for loop, batch_finished in self._waiters:
            loop.call_soon_threadsafe(batch_finished.set)
