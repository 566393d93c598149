"""A slow network between the service and its clients, so that bytes cost time.

The model: all clients of an attack share one link, as the users of one office or one telephone do.
Every byte that arrives, heads included, takes its turn on it, first come first served; an answer is
complete when its last byte has come through, and `latency_seconds` later the client knows. What is
sent costs nothing: requests are small. A connection whose bytes are far ahead of the link is not
read from, so that the service feels a slow client, too.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter

from loadgen import quantities
from loadgen.sending.alarm import create_alarm
from loadgen.sending.connection import Channel, Outcome

#: Bytes may wait so long for their turn before reading is paused; half of it is left when reading
#: goes on, more than the event loop's timers are late: the link must not run idle meanwhile.
_AHEAD_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Link:
    bits_per_second: float
    latency_seconds: float = 0.0

    def __post_init__(self) -> None:
        if not 0 < self.bits_per_second < float("inf"):
            raise ValueError("a link of 0 bits per second carries nothing")

    @classmethod
    def parse(cls, rate: str, latency: str = "0ms") -> "Link":
        """From `10mbit` and `20ms`. Raises ValueError."""
        return cls(quantities.bits_per_second(rate), quantities.seconds(latency))


class Line:
    """The link in use by one attack; to be closed. Needs a running event loop."""

    def __init__(self, link: Link) -> None:
        self._seconds_per_byte = 8 / link.bits_per_second
        self._latency = link.latency_seconds
        self._free_at = 0.0
        self._paused: list[asyncio.Transport] = []
        #: In order: who arrives later is delivered later.
        self._deliveries: deque[tuple[float, Callable[[], None]]] = deque()
        self._alarm = create_alarm(self._deliver)
        self._loop = asyncio.get_running_loop()
        self._resumption: asyncio.TimerHandle | None = None

    def carry(self, size: int, transport: asyncio.Transport) -> None:
        """Let so many bytes take their turn; pause what they came from when that is far off."""
        now = perf_counter()
        self._free_at = max(self._free_at, now) + size * self._seconds_per_byte
        if self._free_at - now > _AHEAD_SECONDS:
            transport.pause_reading()
            self._paused.append(transport)
            if self._resumption is None:
                self._wait(now)

    def deliver(self, callback: Callable[[], None]) -> None:
        """Call back when what was carried so far has come through."""
        self._deliveries.append((self._free_at + self._latency, callback))
        if len(self._deliveries) == 1:
            self._alarm.set(self._deliveries[0][0])

    def close(self) -> None:
        self._alarm.close()
        if self._resumption is not None:
            self._resumption.cancel()

    def _wait(self, now: float) -> None:
        delay = self._free_at - now - _AHEAD_SECONDS / 2
        self._resumption = self._loop.call_later(max(0.0, delay), self._resume)

    def _resume(self) -> None:
        """Those who were paused first read first, as far as the link can take it."""
        self._resumption = None
        now = perf_counter()
        if self._free_at - now > _AHEAD_SECONDS:
            self._wait(now)
            return
        paused, self._paused = self._paused, []
        for transport in paused:
            if not transport.is_closing():
                transport.resume_reading()

    def _deliver(self) -> None:
        while self._deliveries and self._deliveries[0][0] <= perf_counter():
            self._deliveries.popleft()[1]()
        if self._deliveries:
            self._alarm.set(self._deliveries[0][0])


class PacedChannel(Channel):
    """A channel whose answers come over a line."""

    def __init__(self, line: Line, tell: Callable[[Outcome], None]) -> None:
        super().__init__(tell)
        self._line = line

    def data_received(self, data: bytes) -> None:
        if self._transport is not None:
            self._line.carry(len(data), self._transport)
        super().data_received(data)

    def _finish(self) -> None:
        self._line.deliver(self._delivered)

    def _delivered(self) -> None:
        if self._waiting:  # not given up meanwhile
            super()._finish()
