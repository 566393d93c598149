"""What closed and open loops share: callers, requests, deadlines, and the tally.

Driven by callbacks: a task for each request would cost more than the request. Memory does not grow
with the length of a run: nothing is kept of a request but its place in a histogram.
"""

import asyncio
from collections.abc import Iterator
from functools import partial
from time import perf_counter

from loadgen.sending.connection import Address, Caller, Channel, Outcome
from loadgen.sending.link import Line, Link, PacedChannel
from loadgen.sending.tally import Tally

#: A request is given up at most this many seconds after its deadline.
_CHECK_SECONDS = 0.1


class Loop:
    """Callers that send requests to one address, and the tally of it; to be closed."""

    def __init__(
        self, address: Address, supply: Iterator[bytes], timeout: float, link: Link | None
    ) -> None:
        self.tally = Tally()
        self._address = address
        self._supply = supply
        self._timeout = timeout
        self._callers: list[Caller] = []
        self._line = Line(link) if link else None
        self._create_channel = partial(PacedChannel, self._line) if self._line else Channel
        self._event_loop = asyncio.get_running_loop()
        self._ended: asyncio.Future[None] = self._event_loop.create_future()
        self._check_later()

    def close(self) -> None:
        self._check.cancel()
        for caller in self._callers:
            caller.close()
        if self._line is not None:
            self._line.close()

    def _new_caller(self) -> Caller:
        caller = Caller(self._address, self._done, self._create_channel)
        self._callers.append(caller)
        return caller

    def _send(self, caller: Caller, started: float) -> None:
        caller.started = started
        caller.deadline = started + self._timeout
        self.tally.sent += 1
        caller.send(next(self._supply))

    def _done(self, caller: Caller, outcome: Outcome) -> None:
        raise NotImplementedError

    def _end(self) -> None:
        if not self._ended.done():
            self._ended.set_result(None)

    def _check_later(self) -> None:
        # A look through those in flight, not a timer for each: nearly none of them ever fires.
        seconds = min(_CHECK_SECONDS, self._timeout / 10)
        self._check = self._event_loop.call_later(seconds, self._expire)

    def _expire(self) -> None:
        now = perf_counter()
        for caller in [caller for caller in self._callers if caller.busy]:
            if caller.deadline < now:
                caller.expire()
        self._check_later()
