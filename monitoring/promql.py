"""Pieces of PromQL, written from the metrics' declarations: no metric name is typed twice."""

from collections.abc import Sequence

from services.telemetry import Metric

#: Grafana's own: long enough for four scrapes, and never shorter than a step of the picture.
STEP = "$__rate_interval"


def select(series: str, *matchers: str) -> str:
    return f"{series}{{{', '.join(matchers)}}}" if matchers else series


def rate(series: str, window: str, *matchers: str) -> str:
    return f"rate({select(series, *matchers)}[{window}])"


def total(by: Sequence[str], expression: str) -> str:
    return f"sum by ({', '.join(by)}) ({expression})"


def per_second(metric: Metric, by: Sequence[str], window: str, *matchers: str) -> str:
    """Events per second: of a counter what it counts, else how often there was an observation."""
    series = metric.name if metric.kind == "counter" else f"{metric.name}_count"
    return total(by, rate(series, window, *matchers))


def mean(metric: Metric, by: Sequence[str], window: str, *matchers: str) -> str:
    """The mean of what a histogram or a summary observed."""
    observed = total(by, rate(f"{metric.name}_sum", window, *matchers))
    return f"{observed} / {per_second(metric, by, window, *matchers)}"


def quantile(share: float, metric: Metric, by: Sequence[str], window: str, *matchers: str) -> str:
    """The quantile of a histogram, `share` from 0 to 1; empty where nothing was observed."""
    buckets = total((*by, "le"), rate(f"{metric.name}_bucket", window, *matchers))
    # The quantile of nothing is not a number; the comparison drops it.
    return f"histogram_quantile({share:g}, {buckets}) >= 0"


def share(by: Sequence[str], metric: Metric, window: str, those: str, *matchers: str) -> str:
    """Which part of the events are those: from 0 to 1, and 0, not nothing, where none is."""
    every = per_second(metric, by, window, *matchers)
    some = per_second(metric, by, window, those, *matchers)
    return f"({some} or 0 * {every}) / {every}"
