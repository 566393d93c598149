"""A closed loop: each of so many clients sends its next request when it has its last answer.

As fast as the service lets them. A stall stops the clients, too: it costs each of them one slow
request, however many would have come meanwhile.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from time import perf_counter

from loadgen.sending.alarm import create_alarm
from loadgen.sending.connection import Address, Caller, Outcome, RequestFailed
from loadgen.sending.link import Link
from loadgen.sending.loop import Loop
from loadgen.sending.pacer import Stage

#: A server that is gone refuses at once: without a breath this would spin.
_BREATH_SECONDS = 0.05
_TICK_SECONDS = 0.01


@dataclass(frozen=True, slots=True)
class ClosedLoop:
    """So many clients, each pausing so many seconds between its requests."""

    concurrency: int
    pause: float = 0.0

    @property
    def level(self) -> float:
        return self.concurrency


class ClosedRun(Loop):
    """To be made in a running event loop, and closed."""

    def __init__(
        self,
        load: ClosedLoop,
        address: Address,
        supply: Iterator[bytes],
        timeout: float,
        link: Link | None,
    ) -> None:
        super().__init__(address, supply, timeout, link)
        self._pause = load.pause
        self._stop = 0.0
        self._active = 0
        self._ticker = create_alarm(self._tick)
        self._tick_at = perf_counter()
        self._ticker.set(self._tick_at)

    def close(self) -> None:
        self._stop = 0.0
        self._ticker.close()
        super().close()

    async def run(self, stages: Sequence[Stage]) -> None:
        """A stage ends with its last answer; only then the next begins."""
        begin = perf_counter()
        for stage in stages:
            await self._stage(stage)
        self._tick()
        self.tally.seconds = perf_counter() - begin

    async def _stage(self, stage: Stage) -> None:
        self._ended = self._event_loop.create_future()
        self._stop = perf_counter() + stage.seconds
        self._active = stage.clients
        while len(self._callers) < stage.clients:
            self._new_caller()
        for caller in self._callers[: stage.clients]:
            self._next(caller)
        await self._ended

    def _next(self, caller: Caller) -> None:
        now = perf_counter()
        if now < self._stop:
            self._send(caller, now)
            return
        self._active -= 1
        if not self._active:
            self._end()

    def _done(self, caller: Caller, outcome: Outcome) -> None:
        self.tally.count(outcome, perf_counter() - caller.started)
        delay = _BREATH_SECONDS if isinstance(outcome, RequestFailed) else self._pause
        if delay:
            self._event_loop.call_later(delay, self._next, caller)
        else:
            self._next(caller)

    def _tick(self) -> None:
        """A loop that stood still was late for every tick that it missed."""
        now = perf_counter()
        while self._tick_at <= now:
            self.tally.lags.record(now - self._tick_at)
            self._tick_at += _TICK_SECONDS
        self._ticker.set(self._tick_at)
