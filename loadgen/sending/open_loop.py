"""Open-loop load: each request has an instant fixed in advance, independent of the responses.

Independent users behave in this way. A request's latency counts from its intended instant. So a
stall shows in every request that falls into it, even if the request was sent late.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from time import perf_counter

from loadgen.sending.connection import Address, Client, Outcome
from loadgen.sending.load_run import LoadRun
from loadgen.sending.network_link import NetworkLink
from loadgen.sending.pacer import Arrivals, Stage, instants
from loadgen.sending.precise_timer import create_timer


@dataclass(frozen=True, slots=True)
class OpenLoop:
    """`rate` in requests per second. The same seed gives the same Poisson arrivals.

    When all `maximum_connections` are busy, further requests queue. A queued request fails at its
    deadline.
    """

    rate: float
    arrivals: Arrivals = "constant"
    seed: int = 0
    maximum_connections: int = 1024

    def __post_init__(self) -> None:
        if self.maximum_connections < 1:
            raise ValueError("an open loop needs at least one connection")

    @property
    def level(self) -> float:
        return self.rate


class OpenLoopRun(LoadRun):
    """One run of an open loop. Create and close it in a running event loop.

    Queued requests take no memory: they are the next values of the iterator of instants.
    """

    def __init__(
        self,
        load: OpenLoop,
        address: Address,
        supply: Iterator[bytes],
        timeout: float,
        link: NetworkLink | None,
    ) -> None:
        super().__init__(address, supply, timeout, link)
        self._load = load
        self._idle_clients: list[Client] = []
        self._offsets: Iterator[float] = iter(())
        self._begin = self._stop = math.inf
        self._intended = math.inf
        self._timer = create_timer(self._send_due)

    def close(self) -> None:
        self._timer.close()
        super().close()

    async def run(self, stages: Sequence[Stage]) -> None:
        """Run the stages, then wait until the last request in flight or in the queue has ended."""
        self._offsets = instants(stages, self._load.arrivals, self._load.seed)
        self._begin = perf_counter()
        self._stop = self._begin + sum(stage.seconds for stage in stages)
        self._advance()
        self._send_due()
        await self._ended
        self.result.seconds = perf_counter() - self._begin

    def _advance(self) -> None:
        self._intended = self._begin + next(self._offsets, math.inf)

    def _send_due(self) -> None:
        while self._intended <= (now := perf_counter()):
            if now < self._intended + self._timeout:
                client = self._idle_client()
                if client is None:
                    return  # `_finished` continues when a client is idle again
                self._send(client, self._intended)
            else:
                self.result.sent += 1
                self.result.count_error("no connection was free before the timeout")
            self.result.lags.record(now - self._intended)
            self._advance()
        if now < self._stop:
            self._timer.schedule(min(self._intended, self._stop))
        else:
            self._end_if_idle()

    def _idle_client(self) -> Client | None:
        if self._idle_clients:
            return self._idle_clients.pop()
        if len(self._clients) < self._load.maximum_connections:
            return self._new_client()
        return None

    def _finished(self, client: Client, outcome: Outcome) -> None:
        now = perf_counter()
        self.result.count(outcome, now - client.started)
        self._idle_clients.append(client)
        if self._intended <= now:
            self._send_due()
        elif now >= self._stop:
            self._end_if_idle()

    def _end_if_idle(self) -> None:
        if len(self._idle_clients) == len(self._clients):
            self._end()
