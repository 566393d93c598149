"""What came of one block of load, counted as it comes."""

from dataclasses import dataclass, field

from loadgen.sending.connection import Outcome, RequestFailed
from loadgen.sending.histogram import Histogram


@dataclass(slots=True)
class Tally:
    """`sent` counts those that were due and found no connection, too: each is answered or an error.

    `lags` tells how late the generator was: in an open loop how long after its intended instant a
    request was given to a connection; in a closed one how late a ticker in the same loop ticked.
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

    def count(self, outcome: Outcome, latency: float) -> None:
        """A request's outcome, after so many seconds."""
        if isinstance(outcome, RequestFailed):
            self.failed(str(outcome))
        elif 200 <= outcome.status < 300:
            self.answered += 1
            self.body_bytes += outcome.size
            self.latencies.record(latency)
        else:
            self.failed(f"status {outcome.status}")

    def failed(self, reason: str) -> None:
        self.errors += 1
        self.first_error = self.first_error or reason
