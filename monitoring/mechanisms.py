"""Mechanisms: figures that explain a speed-up, such as statements per request.

The figures are derived from the metrics' declarations, so a new metric needs no change here. All
figures become one recorded series with the labels `mechanism`, `unit`, `part` and `figure`. So one
repeated panel shows all mechanisms of the chosen technique.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from monitoring.promql import mean, per_second, quantile, select, total
from services import telemetry
from services.telemetry import GATEWAY_REQUESTS, METRICS, SERVICE_REQUESTS, Metric

#: Metrics of every request, of the gateway and of the load generator have other panels.
_SHOWN_ELSEWHERE = {
    *SERVICE_REQUESTS,
    *GATEWAY_REQUESTS,
    telemetry.ACTIVE_REQUESTS,
    telemetry.GATEWAY_REPLICAS,
    telemetry.GATEWAY_RETRIES,
    telemetry.LOADGEN_REQUESTS,
    telemetry.LOADGEN_REQUEST_DURATION,
    telemetry.LOADGEN_INTENDED_RATE,
    telemetry.LOADGEN_LAG,
    telemetry.LOADGEN_ACTIVE,
}
_LEVEL = ("technique", "variant")
WINDOW = "1m"
#: Unit of a histogram by the last word of its name.
_UNIT_OF_SUFFIX = {"bytes": "bytes", "seconds": "seconds", "request": "count"}


@dataclass(frozen=True, slots=True)
class Mechanism:
    """One figure. `expression` has the labels technique, part, and variant if the metric has it."""

    name: str
    unit: str
    expression: str
    figure: str = ""

    @property
    def labels(self) -> dict[str, str]:
        # The label is the title of a panel.
        title = self.name[0].upper() + self.name[1:]
        labels = {"mechanism": title, "unit": self.unit, "figure": self.figure}
        return {name: value for name, value in labels.items() if value}


def mechanisms() -> Iterator[Mechanism]:
    for metric in METRICS:
        if metric not in _SHOWN_ELSEWHERE:
            yield from _OF_KIND[metric.kind](metric)
    yield Mechanism("cache hit ratio", "ratio", _hit_ratio())
    yield Mechanism("bytes after encoding per byte before", "ratio", _size_ratio())


def _of_counter(metric: Metric) -> Iterator[Mechanism]:
    requests = per_second(telemetry.REQUEST_DURATION, _LEVEL, WINDOW)
    counted = per_second(metric, metric.labels, WINDOW)
    ratio = f"{counted} / on (technique, variant) group_left () {requests}"
    unit = "bytes" if "_bytes_" in metric.name else "count"
    yield Mechanism(f"{metric.title} per request", unit, _in_parts(metric, ratio))


def _of_histogram(metric: Metric) -> Iterator[Mechanism]:
    unit = _UNIT_OF_SUFFIX[metric.name.rsplit("_", 1)[1]]
    for figure, share in (("p50", 0.5), ("p99", 0.99)):
        expression = quantile(share, metric, metric.labels, WINDOW)
        yield Mechanism(metric.title, unit, _in_parts(metric, expression), figure)


def _of_summary(metric: Metric) -> Iterator[Mechanism]:
    expression = mean(metric, metric.labels, WINDOW)
    yield Mechanism(metric.title, "seconds", _in_parts(metric, expression), "mean")


def _of_gauge(metric: Metric) -> Iterator[Mechanism]:
    yield Mechanism(metric.title, "count", _in_parts(metric, total(metric.labels, metric.name)))


_OF_KIND = {
    "counter": _of_counter,
    "histogram": _of_histogram,
    "summary": _of_summary,
    "gauge": _of_gauge,
}


def _in_parts(metric: Metric, expression: str) -> str:
    """Join all labels except technique and variant into `part`: they differ between metrics."""
    others = [label for label in metric.labels if label not in _LEVEL]
    if not others:
        return expression
    quoted = ", ".join(f'"{label}"' for label in others)
    kept = [label for label in metric.labels if label in _LEVEL]
    joined = f'label_join({expression}, "part", " ", {quoted})'
    return f"max by ({', '.join([*kept, 'part'])}) ({joined})"


def _hit_ratio() -> str:
    metric = telemetry.CACHE_REQUESTS
    hits = per_second(metric, _LEVEL, WINDOW, 'result="hit"')
    return f"{hits} / {per_second(metric, _LEVEL, WINDOW)}"


def _size_ratio() -> str:
    metric, by = telemetry.COMPRESSION_BYTES, (*_LEVEL, "encoding")
    after, before = (
        total(by, f"increase({select(metric.name, stage)}[{WINDOW}])")
        for stage in ('stage="out"', 'stage="in"')
    )
    return f'label_replace({after} / {before}, "part", "$1", "encoding", "(.*)")'
