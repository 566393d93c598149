"""PromQL expressions, built from the metrics' declarations in `services.telemetry`."""

from collections.abc import Sequence

from services.telemetry import Metric

#: A variable of Grafana: at least four scrape intervals, and at least one step of the graph.
STEP = "$__rate_interval"


def select(series: str, *matchers: str) -> str:
    return f"{series}{{{', '.join(matchers)}}}" if matchers else series


def rate(series: str, window: str, *matchers: str) -> str:
    return f"rate({select(series, *matchers)}[{window}])"


def total(by: Sequence[str], expression: str) -> str:
    return f"sum by ({', '.join(by)}) ({expression})"


def per_second(metric: Metric, by: Sequence[str], window: str, *matchers: str) -> str:
    """Events per second: counted events of a counter, observations of any other metric."""
    series = metric.name if metric.kind == "counter" else f"{metric.name}_count"
    return total(by, rate(series, window, *matchers))


def mean(metric: Metric, by: Sequence[str], window: str, *matchers: str) -> str:
    """The mean of the observations of a histogram or a summary."""
    observed = total(by, rate(f"{metric.name}_sum", window, *matchers))
    return f"{observed} / {per_second(metric, by, window, *matchers)}"


def quantile(share: float, metric: Metric, by: Sequence[str], window: str, *matchers: str) -> str:
    """The quantile of a histogram, `share` from 0 to 1; no series without observations."""
    buckets = total((*by, "le"), rate(f"{metric.name}_bucket", window, *matchers))
    # Without observations the quantile is NaN. The comparison drops NaN.
    return f"histogram_quantile({share:g}, {buckets}) >= 0"


def share(by: Sequence[str], metric: Metric, window: str, subset: str, *matchers: str) -> str:
    """The share of the events that match `subset`: 0 to 1, and 0 if there is no such series."""
    every = per_second(metric, by, window, *matchers)
    matching = per_second(metric, by, window, subset, *matchers)
    return f"({matching} or 0 * {every}) / {every}"
