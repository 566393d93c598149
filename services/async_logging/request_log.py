"""The log of one request: which of its records are worth keeping is known only at its end.

Records that sampling would leave out are held back. Once the request logs an error, fails, or turns
out to be slow, they are written after all, and everything behind them; else they are counted as
sampled and forgotten. (Tail sampling within one request, as Monolog's FingersCrossedHandler does.)
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from services.async_logging.log_queue import LogQueue
from services.async_logging.record import Level, Record, as_line
from services.async_logging.sampling import Rates, position

#: Of the records that are held back the oldest go first: what came last explains a failure best.
MAXIMUM_HELD = 1000

_ERROR = Level.ERROR  # a global, as in log_queue.py


@dataclass(frozen=True, slots=True)
class Rules:
    """Of which level how much is kept, and from how many seconds on a request is slow."""

    rates: Rates
    slow: float


class RequestLog:
    """Use as an asynchronous context manager, from one task; `clock` is in seconds."""

    def __init__(
        self, request_id: str, queue: LogQueue, rules: Rules, clock: Callable[[], float]
    ) -> None:
        self._queue = queue
        self._rules = rules
        self._clock = clock
        self._started = clock()
        self._keeps_all = not rules.rates
        self._position = 0.0 if self._keeps_all else position(request_id)
        self._held: deque[Record] = deque()
        self._late: deque[tuple[bytes, Level]] = deque()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is not None or self._clock() - self._started >= self._rules.slow:
            self._keep_all()
        if self._held:
            self._queue.sampled(len(self._held))
        if self._late:
            await self._hand_over_late()

    def log(self, record: Record) -> None:
        if record.level >= _ERROR:
            self._keep_all()
        if self._keeps_all or self._position < self._rules.rates.get(record.level, 1.0):
            self._hand_over(record)
        else:
            self._hold(record)

    def _keep_all(self) -> None:
        self._keeps_all = True
        while self._held:
            self._hand_over(self._held.popleft())

    def _hold(self, record: Record) -> None:
        self._held.append(record)
        if len(self._held) > MAXIMUM_HELD:
            self._held.popleft()
            self._queue.sampled(1)

    def _hand_over(self, record: Record) -> None:
        queue = self._queue
        line = as_line(record)
        if queue.policy.wait and (self._late or queue.full) and len(self._late) < MAXIMUM_HELD:
            self._late.append((line, record.level))
        else:
            queue.offer(line, record.level)

    async def _hand_over_late(self) -> None:
        """Wait for room, one deadline for all of them; those beyond it are offered and dropped."""
        latest = self._clock() + self._queue.policy.wait
        try:
            while self._late:
                if self._queue.full and not await self._queue.room(latest - self._clock()):
                    break
                self._queue.offer(*self._late.popleft())
        finally:
            for line, level in self._late:
                self._queue.offer(line, level)
