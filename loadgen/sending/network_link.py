"""Simulate a slow network between the service and the clients, so that bytes cost time.

All clients of an attack share one link, like the users of one office. The link carries every
received byte, heads included, in the order of arrival. A response is complete when its last byte
has passed the link, and the client gets the response `latency_seconds` later. Sending costs no
time, because requests are small. If the bytes of a connection are far ahead of the link, the client
stops reading from the connection, so the service sees a slow client.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter

from loadgen import quantities
from loadgen.sending.connection import Channel, Outcome
from loadgen.sending.precise_timer import create_timer

#: Reading pauses if the link needs longer than this for the bytes already read. Reading resumes at
#: half of it, so that the link does not run idle when the event loop's timer is late.
_READ_AHEAD_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class NetworkLink:
    """The speed and the delay of a simulated network. Raises ValueError for a speed of 0."""

    bits_per_second: float
    latency_seconds: float = 0.0

    def __post_init__(self) -> None:
        if not 0 < self.bits_per_second < float("inf"):
            raise ValueError(
                f"a link of {self.bits_per_second:g} bits per second carries nothing:"
                " use a rate above 0"
            )

    @classmethod
    def parse(cls, rate: str, latency: str = "0ms") -> "NetworkLink":
        """Read texts such as `10mbit` and `20ms`. Raises ValueError."""
        return cls(quantities.bits_per_second(rate), quantities.seconds(latency))


class LinkQueue:
    """The received bytes that a link has not carried yet. Every `now` is of the same clock."""

    def __init__(self, link: NetworkLink) -> None:
        self._seconds_per_byte = 8 / link.bits_per_second
        self._latency_seconds = link.latency_seconds
        self._free_at = 0.0

    def add(self, byte_count: int, now: float) -> None:
        self._free_at = max(self._free_at, now) + byte_count * self._seconds_per_byte

    def is_too_long(self, now: float) -> bool:
        return self._free_at - now > _READ_AHEAD_SECONDS

    def seconds_until_resumption(self, now: float) -> float:
        """Time until the queue is short enough to read again. Not for an empty queue."""
        return max(0.0, self._free_at - now - _READ_AHEAD_SECONDS / 2)

    @property
    def delivery_instant(self) -> float:
        """The instant at which the client gets the last byte of the queue."""
        return self._free_at + self._latency_seconds


class LinkSimulation:
    """A link while one attack uses it. Create and close it in a running event loop."""

    def __init__(self, link: NetworkLink) -> None:
        self._queue = LinkQueue(link)
        self._paused: list[asyncio.Transport] = []
        #: Instants and callbacks, in the order of arrival.
        self._deliveries: deque[tuple[float, Callable[[], None]]] = deque()
        self._timer = create_timer(self._deliver)
        self._loop = asyncio.get_running_loop()
        self._resumption: asyncio.TimerHandle | None = None

    def receive(self, byte_count: int, transport: asyncio.Transport) -> None:
        """Queue received bytes on the link. Pause the transport if the queue is too long."""
        now = perf_counter()
        self._queue.add(byte_count, now)
        if self._queue.is_too_long(now):
            transport.pause_reading()
            self._paused.append(transport)
            if self._resumption is None:
                self._schedule_resumption(now)

    def call_when_delivered(self, callback: Callable[[], None]) -> None:
        """Call back when the link has delivered all bytes received so far."""
        self._deliveries.append((self._queue.delivery_instant, callback))
        if len(self._deliveries) == 1:
            self._timer.schedule(self._deliveries[0][0])

    def close(self) -> None:
        self._timer.close()
        if self._resumption is not None:
            self._resumption.cancel()

    def _schedule_resumption(self, now: float) -> None:
        delay = self._queue.seconds_until_resumption(now)
        self._resumption = self._loop.call_later(delay, self._resume)

    def _resume(self) -> None:
        """Resume all transports, in the order in which they were paused."""
        self._resumption = None
        now = perf_counter()
        if self._queue.is_too_long(now):
            self._schedule_resumption(now)
            return
        paused, self._paused = self._paused, []
        for transport in paused:
            if not transport.is_closing():
                transport.resume_reading()

    def _deliver(self) -> None:
        while self._deliveries and self._deliveries[0][0] <= perf_counter():
            self._deliveries.popleft()[1]()
        if self._deliveries:
            self._timer.schedule(self._deliveries[0][0])


class LinkChannel(Channel):
    """A channel whose responses pass a simulated link."""

    def __init__(self, link: LinkSimulation, on_outcome: Callable[[Outcome], None]) -> None:
        super().__init__(on_outcome)
        self._link = link

    def data_received(self, data: bytes) -> None:
        if self._transport is not None:
            self._link.receive(len(data), self._transport)
        super().data_received(data)

    def _finish(self) -> None:
        self._link.call_when_delivered(self._delivered)

    def _delivered(self) -> None:
        if self._waiting:  # False after a timeout
            super()._finish()
