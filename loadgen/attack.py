"""Closed-loop load: each of so many clients sends its next request when it has its last answer."""

import asyncio
import itertools
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from time import perf_counter

from loadgen.connection import Address, Connection, RequestFailed


@dataclass(slots=True)
class Tally:
    """What came of one block: latencies in seconds of the answered requests, and the failures."""

    latencies: "array[float]" = field(default_factory=lambda: array("d"))
    errors: int = 0
    first_error: str = ""
    body_bytes: int = 0
    seconds: float = 0.0

    @property
    def requests_per_second(self) -> float:
        return len(self.latencies) / self.seconds if self.seconds else 0.0

    def failed(self, reason: str) -> None:
        self.errors += 1
        self.first_error = self.first_error or reason


@dataclass(frozen=True, slots=True)
class Attack:
    """How to load: so many clients, for so many seconds, each pausing between its requests."""

    concurrency: int
    duration: float
    timeout: float = 30.0
    pause: float = 0.0

    async def run(self, address: Address, requests: Sequence[bytes], first: int = 0) -> Tally:
        """Send the requests round and round, from number `first` on; count every one sent.

        No request is cut short: a block ends when its last answer is in, and its seconds run to
        that moment.
        """
        tally = Tally()
        supply = itertools.islice(itertools.cycle(requests), first % len(requests), None)
        connections = [Connection(address, self.timeout) for _ in range(self.concurrency)]
        started = perf_counter()
        stop = started + self.duration
        try:
            await asyncio.gather(
                *(self._client(connection, supply, stop, tally) for connection in connections)
            )
        finally:
            tally.seconds = perf_counter() - started
            for connection in connections:
                connection.close()
        return tally

    async def _client(
        self,
        connection: Connection,
        supply: "itertools.islice[bytes]",
        stop: float,
        tally: Tally,
    ) -> None:
        while (started := perf_counter()) < stop:
            try:
                response = await connection.request(next(supply))
            except RequestFailed as error:
                tally.failed(str(error))
                # A server that is gone refuses at once: without a breath this would spin.
                await asyncio.sleep(0.05)
                continue
            if 200 <= response.status < 300:
                tally.latencies.append(perf_counter() - started)
                tally.body_bytes += response.size
            else:
                tally.failed(f"status {response.status}")
            if self.pause:
                await asyncio.sleep(self.pause)
