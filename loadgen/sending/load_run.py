"""The parts that closed-loop and open-loop runs share: clients, requests, timeouts and counts.

A run is driven by callbacks, because an asyncio task per request would cost more than the request
itself. Its memory does not grow with the number of requests: a request leaves only a count in a
histogram.
"""

import asyncio
from collections.abc import Iterator
from functools import partial
from time import perf_counter

from loadgen.sending.connection import Address, Channel, Client, Outcome
from loadgen.sending.load_result import LoadResult
from loadgen.sending.network_link import LinkChannel, LinkSimulation, NetworkLink

#: Deadlines are checked at least this often, so a request may exceed its timeout by as much.
_CHECK_SECONDS = 0.1


class LoadRun:
    """Clients that send requests to one address, and the counts of their outcomes.

    Create and close a run in a running event loop. `supply` yields the encoded requests.
    """

    def __init__(
        self, address: Address, supply: Iterator[bytes], timeout: float, link: NetworkLink | None
    ) -> None:
        self.result = LoadResult()
        self._address = address
        self._supply = supply
        self._timeout = timeout
        self._clients: list[Client] = []
        self._link = LinkSimulation(link) if link else None
        self._create_channel = partial(LinkChannel, self._link) if self._link else Channel
        self._event_loop = asyncio.get_running_loop()
        self._ended: asyncio.Future[None] = self._event_loop.create_future()
        self._schedule_check()

    def close(self) -> None:
        self._check.cancel()
        for client in self._clients:
            client.close()
        if self._link is not None:
            self._link.close()

    def _new_client(self) -> Client:
        client = Client(self._address, self._finished, self._create_channel)
        self._clients.append(client)
        return client

    def _send(self, client: Client, started: float) -> None:
        client.started = started
        client.deadline = started + self._timeout
        self.result.sent += 1
        client.send(next(self._supply))

    def _finished(self, client: Client, outcome: Outcome) -> None:
        raise NotImplementedError

    def _end(self) -> None:
        if not self._ended.done():
            self._ended.set_result(None)

    def _schedule_check(self) -> None:
        # One periodic check replaces a timer per request: hardly any request times out.
        seconds = min(_CHECK_SECONDS, self._timeout / 10)
        self._check = self._event_loop.call_later(seconds, self._check_deadlines)

    def _check_deadlines(self) -> None:
        now = perf_counter()
        for client in [client for client in self._clients if client.is_busy]:
            if client.deadline < now:
                client.time_out()
        self._schedule_check()
