"""Closed-loop load: each client sends its next request after the response to its last one.

The service sets the pace. A stall stops the clients too: each client measures one slow request,
however many requests real users would have sent during the stall.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from time import perf_counter

from loadgen.sending.connection import Address, Client, Outcome, RequestFailed
from loadgen.sending.load_run import LoadRun
from loadgen.sending.network_link import NetworkLink
from loadgen.sending.pacer import Stage
from loadgen.sending.precise_timer import create_timer

#: A stopped server refuses connections at once. Without this pause a client would spin.
_PAUSE_AFTER_FAILURE_SECONDS = 0.05
_TICK_SECONDS = 0.01


@dataclass(frozen=True, slots=True)
class ClosedLoop:
    """`concurrency` clients, each of which waits `pause` seconds after a response."""

    concurrency: int
    pause: float = 0.0

    @property
    def level(self) -> float:
        return self.concurrency


class ClosedLoopRun(LoadRun):
    """One run of a closed loop. Create and close it in a running event loop."""

    def __init__(
        self,
        load: ClosedLoop,
        address: Address,
        supply: Iterator[bytes],
        timeout: float,
        link: NetworkLink | None,
    ) -> None:
        super().__init__(address, supply, timeout, link)
        self._pause = load.pause
        self._stop = -math.inf
        self._active_clients: set[Client] = set()
        self._ticker = create_timer(self._tick)
        self._next_tick = perf_counter()
        self._ticker.schedule(self._next_tick)

    def close(self) -> None:
        self._stop = -math.inf  # clients that pause must not send again
        self._ticker.close()
        super().close()

    async def run(self, stages: Sequence[Stage]) -> None:
        """Run the stages. A stage ends with its last response."""
        begin = perf_counter()
        for stage in stages:
            await self._run_stage(stage)
        self._tick()
        self.result.seconds = perf_counter() - begin

    async def _run_stage(self, stage: Stage) -> None:
        self._ended = self._event_loop.create_future()
        self._stop = perf_counter() + stage.seconds
        for _ in range(len(self._clients), stage.clients):
            self._new_client()
        clients = self._clients[: stage.clients]
        self._active_clients = set(clients)
        for client in clients:
            self._send_next(client)
        await self._ended

    def _send_next(self, client: Client) -> None:
        now = perf_counter()
        if now < self._stop:
            self._send(client, now)
            return
        self._active_clients.remove(client)
        if not self._active_clients:
            self._end()

    def _finished(self, client: Client, outcome: Outcome) -> None:
        self.result.count(outcome, perf_counter() - client.started)
        failed = isinstance(outcome, RequestFailed)
        delay = _PAUSE_AFTER_FAILURE_SECONDS if failed else self._pause
        if delay:
            self._event_loop.call_later(delay, self._send_next, client)
        else:
            self._send_next(client)

    def _tick(self) -> None:
        """Record how late each tick is. After a stall, every missed tick counts."""
        now = perf_counter()
        while self._next_tick <= now:
            self.result.lags.record(now - self._next_tick)
            self._next_tick += _TICK_SECONDS
        self._ticker.schedule(self._next_tick)
