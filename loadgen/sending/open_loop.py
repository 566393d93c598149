"""An open loop: requests go out at instants set beforehand, whatever becomes of the others.

As users who know nothing of each other do. Latency counts from the intended instant, so that a
stall shows in every request that it would have met, sent or not.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from time import perf_counter

from loadgen.sending.alarm import create_alarm
from loadgen.sending.connection import Address, Caller, Outcome
from loadgen.sending.link import Link
from loadgen.sending.loop import Loop
from loadgen.sending.pacer import Arrivals, Stage, instants


@dataclass(frozen=True, slots=True)
class OpenLoop:
    """So many requests per second; the same seed gives the same Poisson arrivals.

    With `maximum_connections` busy, the next requests wait in line, and are given up there at their
    deadline.
    """

    rate: float
    arrivals: Arrivals = "constant"
    seed: int = 0
    maximum_connections: int = 1024

    def __post_init__(self) -> None:
        if self.maximum_connections < 1:
            raise ValueError("an open loop needs a connection")

    @property
    def level(self) -> float:
        return self.rate


class OpenRun(Loop):
    """To be made in a running event loop, and closed.

    Those that wait in line are not stored: they are the next intended instants.
    """

    def __init__(
        self,
        load: OpenLoop,
        address: Address,
        supply: Iterator[bytes],
        timeout: float,
        link: Link | None,
    ) -> None:
        super().__init__(address, supply, timeout, link)
        self._load = load
        self._free: list[Caller] = []
        self._offsets: Iterator[float] = iter(())
        self._begin = self._stop = 0.0
        self._intended = math.inf
        self._alarm = create_alarm(self._send_due)

    def close(self) -> None:
        self._alarm.close()
        super().close()

    async def run(self, stages: Sequence[Stage]) -> None:
        """Afterwards those that are in flight or in line are awaited."""
        self._offsets = instants(stages, self._load.arrivals, self._load.seed)
        self._begin = perf_counter()
        self._stop = self._begin + sum(stage.seconds for stage in stages)
        self._advance()
        self._send_due()
        await self._ended
        self.tally.seconds = perf_counter() - self._begin

    def _advance(self) -> None:
        self._intended = self._begin + next(self._offsets, math.inf)

    def _send_due(self) -> None:
        while self._intended <= (now := perf_counter()):
            if now < self._intended + self._timeout:
                caller = self._free_caller()
                if caller is None:
                    return  # `_done` goes on
                self._send(caller, self._intended)
            else:
                self.tally.sent += 1
                self.tally.failed("no connection was free in time")
            self.tally.lags.record(now - self._intended)
            self._advance()
        if now < self._stop:
            self._alarm.set(min(self._intended, self._stop))
        else:
            self._end_if_idle()

    def _free_caller(self) -> Caller | None:
        if self._free:
            return self._free.pop()
        if len(self._callers) < self._load.maximum_connections:
            return self._new_caller()
        return None

    def _done(self, caller: Caller, outcome: Outcome) -> None:
        now = perf_counter()
        self.tally.count(outcome, now - caller.started)
        self._free.append(caller)
        if self._intended <= now:
            self._send_due()
        elif now >= self._stop:
            self._end_if_idle()

    def _end_if_idle(self) -> None:
        if len(self._free) == len(self._callers):
            self._end()
