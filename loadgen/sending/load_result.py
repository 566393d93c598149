"""The counts and latencies of one block of load."""

from dataclasses import dataclass, field

from loadgen.sending.connection import Outcome, RequestFailed
from loadgen.sending.histogram import Histogram


@dataclass(slots=True)
class LoadResult:
    """`sent` equals `answered` plus `errors`; it includes requests that got no connection.

    `lags` holds the load generator's own delays in seconds. In an open loop, a lag is the time from
    a request's intended instant until a connection sends it. In a closed loop, a lag is the delay
    of a periodic tick in the same event loop.
    """

    seconds: float = 0.0
    sent: int = 0
    answered: int = 0
    errors: int = 0
    first_error: str = ""
    body_bytes: int = 0
    latencies: Histogram = field(default_factory=Histogram)
    lags: Histogram = field(default_factory=Histogram)

    @property
    def requests_per_second(self) -> float:
        return self.answered / self.seconds if self.seconds else 0.0

    def count(self, outcome: Outcome, latency_seconds: float) -> None:
        """Count a response with status 2xx as answered, every other outcome as an error."""
        if isinstance(outcome, RequestFailed):
            self.count_error(str(outcome))
        elif 200 <= outcome.status < 300:
            self.answered += 1
            self.body_bytes += outcome.size
            self.latencies.record(latency_seconds)
        else:
            self.count_error(f"status {outcome.status}")

    def count_error(self, reason: str) -> None:
        self.errors += 1
        self.first_error = self.first_error or reason
