"""The log of one request: decides at the end of the request which of its records to keep.

Records that sampling would leave out are held back. If the request logs an error, fails, or is
slow, all its records are written; otherwise the held records are counted as sampled and discarded.
This is tail sampling within one request, as in Monolog's FingersCrossedHandler.
"""

from collections import deque
from collections.abc import Callable
from functools import cached_property
from types import TracebackType
from typing import Self

from services.async_logging.log_queue import LogQueue
from services.async_logging.log_record import Level, Record, encode_line
from services.async_logging.sampling import SamplingRules, sampling_position

#: Bound of the held records. The oldest are discarded: the latest explain a failure best.
MAXIMUM_HELD_RECORDS = 1000

_ERROR = Level.ERROR  # a global, as in log_queue.py


class RequestLog:
    """An asynchronous context manager around one request, for one task. `clock` returns seconds."""

    def __init__(
        self, request_id: str, queue: LogQueue, rules: SamplingRules, clock: Callable[[], float]
    ) -> None:
        self._request_id = request_id
        self._queue = queue
        self._rules = rules
        self._clock = clock
        self._started = clock()
        self._keeps_all = not rules.shares
        self._held: deque[Record] = deque()
        self._waiting_for_room: deque[tuple[bytes, Level]] = deque()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is not None or self._clock() - self._started >= self._rules.slow_seconds:
            self._keep_all()
        if self._held:
            self._queue.count_sampled(len(self._held))
        if self._waiting_for_room:
            await self._offer_waiting_lines()

    def log(self, record: Record) -> None:
        if record.level >= _ERROR:
            self._keep_all()
        share = self._rules.shares.get(record.level)
        if self._keeps_all or share is None or self._position < share:
            self._offer(record)
        else:
            self._hold(record)

    @cached_property
    def _position(self) -> float:
        return sampling_position(self._request_id)

    def _keep_all(self) -> None:
        self._keeps_all = True
        while self._held:
            self._offer(self._held.popleft())

    def _hold(self, record: Record) -> None:
        self._held.append(record)
        if len(self._held) > MAXIMUM_HELD_RECORDS:
            self._held.popleft()
            self._queue.count_sampled(1)

    def _offer(self, record: Record) -> None:
        line = encode_line(record)
        if self._must_wait_for_room():
            self._waiting_for_room.append((line, record.level))
        else:
            self._queue.offer(line, record.level)

    def _must_wait_for_room(self) -> bool:
        # A line may not overtake lines of the same request that already wait.
        queue, waiting = self._queue, self._waiting_for_room
        return bool(
            queue.policy.wait_seconds
            and (waiting or queue.is_full)
            and len(waiting) < MAXIMUM_HELD_RECORDS
        )

    async def _offer_waiting_lines(self) -> None:
        """Wait for room, with one deadline for all lines. Lines beyond it are dropped."""
        queue, waiting = self._queue, self._waiting_for_room
        deadline = self._clock() + queue.policy.wait_seconds
        try:
            while waiting:
                if queue.is_full and not await queue.wait_for_room(deadline - self._clock()):
                    break
                queue.offer(*waiting.popleft())
        finally:
            # Also when the request is cancelled: every line must be counted.
            for line, level in waiting:
                queue.offer(line, level)
