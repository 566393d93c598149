"""The record of one finished block, from which figures and verdicts are computed."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from types import UnionType
from typing import Any

from loadgen.sending.histogram import Histogram

_HISTOGRAMS = ("latencies", "lags")
_KINDS: dict[tuple[str, ...], type | UnionType] = {
    ("arm", "first_error", *_HISTOGRAMS): str,
    ("pair", "sent", "answered", "errors", "body_bytes"): int,
    ("seconds", "cpu_seconds"): int | float,
    ("counters",): dict,
}


@dataclass(frozen=True, slots=True)
class Record:
    """One block of load on one arm.

    `seconds` is wall-clock time. `cpu_seconds` is CPU time of the load generator. `lags` holds how
    late the generator sent each request. `counters` holds the growth of each counter of the server.
    """

    arm: str
    pair: int
    seconds: float
    sent: int
    answered: int
    errors: int
    first_error: str
    body_bytes: int
    latencies: Histogram
    lags: Histogram
    cpu_seconds: float
    counters: Mapping[str, float]

    @property
    def requests_per_second(self) -> float:
        return self.answered / self.seconds if self.seconds else 0.0

    @property
    def contradiction(self) -> str:
        """The two counts that do not agree; empty if all agree."""
        if self.latencies.count != self.answered:
            return f"{self.latencies.count} latencies of {self.answered} answers"
        if self.answered + self.errors != self.sent:
            return f"{self.answered} answers and {self.errors} errors of {self.sent} requests"
        if self.answered and not self.seconds:
            return f"{self.answered} answers in no time"
        return ""

    def merged(self, other: "Record") -> "Record":
        """The sum of the blocks of the same arm and pair that two generators ran side by side.

        Requests and the server's counters add up. Seconds do not, since both blocks ran in the same
        seconds. CPU does not either: the self-audit asks whether one generator had too little.
        """
        return Record(
            arm=self.arm,
            pair=self.pair,
            seconds=max(self.seconds, other.seconds),
            sent=self.sent + other.sent,
            answered=self.answered + other.answered,
            errors=self.errors + other.errors,
            first_error=self.first_error or other.first_error,
            body_bytes=self.body_bytes + other.body_bytes,
            latencies=together(self.latencies, other.latencies),
            lags=together(self.lags, other.lags),
            cpu_seconds=max(self.cpu_seconds, other.cpu_seconds),
            counters=total(self.counters, other.counters),
        )

    def as_document(self) -> dict[str, Any]:
        """The record as a JSON object, with histograms in HDR's own text format."""
        document = {field.name: getattr(self, field.name) for field in fields(self)}
        return document | {
            "latencies": self.latencies.encoded(),
            "lags": self.lags.encoded(),
            "counters": dict(sorted(self.counters.items())),
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "Record":
        """Raises ValueError, TypeError or KeyError if the object is no record."""
        _check_kinds(document)
        histograms = {name: Histogram.decoded(document[name]) for name in _HISTOGRAMS}
        return cls(**{**document, **histograms})


def together(*histograms: Histogram) -> Histogram:
    """A new histogram with the values of all histograms."""
    result = Histogram()
    for histogram in histograms:
        result.merge(histogram)
    return result


def total(*counters: Mapping[str, float]) -> dict[str, float]:
    """The sum of each counter; a missing counter counts as zero."""
    result: dict[str, float] = {}
    for each in counters:
        for name, value in each.items():
            result[name] = result.get(name, 0.0) + value
    return result


def _check_kinds(document: Mapping[str, Any]) -> None:
    for names, kind in _KINDS.items():
        for name in names:
            value = document[name]
            if not isinstance(value, kind) or isinstance(value, bool):
                raise TypeError(f"{name} cannot be {value!r:.40}")
            if isinstance(value, int | float) and value < 0:
                raise ValueError(f"{name} cannot be {value}")
