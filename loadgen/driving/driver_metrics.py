"""The load generator's own metrics, for Prometheus."""

from bisect import bisect_left
from collections.abc import Iterable
from itertools import accumulate

from prometheus_client import CollectorRegistry, Counter, Gauge, ProcessCollector
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from loadgen.driving.continuous_load import Slot
from loadgen.sending.attack import LoadResult
from loadgen.sending.histogram import Histogram
from services.telemetry import (
    LOADGEN_ACTIVE,
    LOADGEN_INTENDED_RATE,
    LOADGEN_LAG,
    LOADGEN_REQUEST_DURATION,
    LOADGEN_REQUESTS,
    Metric,
)


class DriverMetrics:
    """Counts attacks when they end. Its size does not depend on their number."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._requests = Counter(*_definition(LOADGEN_REQUESTS), registry=self.registry)
        self._durations = _HistogramMetric(LOADGEN_REQUEST_DURATION, self.registry)
        self._lags = _HistogramMetric(LOADGEN_LAG, self.registry)
        self._active = Gauge(*_definition(LOADGEN_ACTIVE), registry=self.registry)
        self._intended_rate = Gauge(*_definition(LOADGEN_INTENDED_RATE), registry=self.registry)

    def set_intended_rate(self, rate: float, slots: list[Slot]) -> None:
        """Divide `rate` by the slots of a round: each slot has the rate for its share of time.

        A rate of 0 means a closed loop or no load.
        """
        self._intended_rate.clear()
        for slot in slots:
            self._intended_rate.labels(*slot).inc(rate / len(slots))

    def begin(self, slot: Slot) -> None:
        self._active.labels(*slot).set(1)

    def end(self, slot: Slot) -> None:
        self._active.labels(*slot).set(0)

    def count(self, slot: Slot, result: LoadResult) -> None:
        self._requests.labels(*slot, "ok").inc(result.answered)
        self._requests.labels(*slot, "error").inc(result.errors)
        self._durations.add(slot, result.latencies)
        self._lags.add(slot, result.lags)


class _BucketCounts:
    """The observations of one variant by bucket. The last bucket has no upper bound."""

    __slots__ = ("by_bucket", "sum")

    def __init__(self, buckets: int) -> None:
        self.by_bucket = [0] * (buckets + 1)
        self.sum = 0.0


class _HistogramMetric(Collector):
    """A Prometheus histogram that adds whole histograms instead of single observations."""

    def __init__(self, metric: Metric, registry: CollectorRegistry) -> None:
        self._metric = metric
        self._children: dict[Slot, _BucketCounts] = {}
        registry.register(self)

    def add(self, slot: Slot, histogram: Histogram) -> None:
        counts = self._children.setdefault(slot, _BucketCounts(len(self._metric.buckets)))
        for value, count in histogram.buckets():
            counts.by_bucket[bisect_left(self._metric.buckets, value)] += count
        counts.sum += histogram.mean * histogram.count

    def collect(self) -> Iterable[HistogramMetricFamily]:
        metric = self._metric
        family = HistogramMetricFamily(metric.name, metric.description, labels=metric.labels)
        bounds = (*map(floatToGoString, metric.buckets), "+Inf")
        for slot, counts in self._children.items():
            cumulative = map(float, accumulate(counts.by_bucket))
            family.add_metric(slot, list(zip(bounds, cumulative, strict=True)), counts.sum)
        yield family


def _definition(metric: Metric) -> tuple[str, str, tuple[str, ...]]:
    return metric.name, metric.description, metric.labels
