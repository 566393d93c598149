"""What the load generator tells of itself: its own metrics, in Prometheus' exposition."""

from bisect import bisect_left
from collections.abc import Iterable
from itertools import accumulate

from prometheus_client import CollectorRegistry, Counter, Gauge, ProcessCollector
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from loadgen.driving.control import Slot
from loadgen.sending.attack import Tally
from loadgen.sending.histogram import Histogram
from services.telemetry import (
    LOADGEN_ACTIVE,
    LOADGEN_INTENDED_RATE,
    LOADGEN_LAG,
    LOADGEN_REQUEST_DURATION,
    LOADGEN_REQUESTS,
    Metric,
)


class Exposition:
    """Counts attacks as they end. However many there are, its size stays the same."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._requests = Counter(*_facts(LOADGEN_REQUESTS), registry=self.registry)
        self._durations = _Buckets(LOADGEN_REQUEST_DURATION, self.registry)
        self._lags = _Buckets(LOADGEN_LAG, self.registry)
        self._active = Gauge(*_facts(LOADGEN_ACTIVE), registry=self.registry)
        self._intended = Gauge(*_facts(LOADGEN_INTENDED_RATE), registry=self.registry)

    def intend(self, rate: float, slots: list[Slot]) -> None:
        """The slots of a round, each of which is to be driven at `rate`; 0 where none is meant."""
        self._intended.clear()
        for slot in slots:
            self._intended.labels(*slot).inc(rate / len(slots))

    def begin(self, slot: Slot) -> None:
        self._active.labels(*slot).set(1)

    def end(self, slot: Slot) -> None:
        self._active.labels(*slot).set(0)

    def count(self, slot: Slot, tally: Tally) -> None:
        self._requests.labels(*slot, "ok").inc(tally.answered)
        self._requests.labels(*slot, "error").inc(tally.errors)
        self._durations.add(slot, tally.latencies)
        self._lags.add(slot, tally.lags)


class _Counts:
    """The observations of one variant, by bucket; the last one has no upper bound."""

    __slots__ = ("by_bucket", "sum")

    def __init__(self, buckets: int) -> None:
        self.by_bucket = [0] * (buckets + 1)
        self.sum = 0.0


class _Buckets(Collector):
    """A histogram metric that takes whole histograms, some hundred values each, not single ones."""

    def __init__(self, metric: Metric, registry: CollectorRegistry) -> None:
        self._metric = metric
        self._children: dict[Slot, _Counts] = {}
        registry.register(self)

    def add(self, slot: Slot, histogram: Histogram) -> None:
        counts = self._children.setdefault(slot, _Counts(len(self._metric.buckets)))
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


def _facts(metric: Metric) -> tuple[str, str, tuple[str, ...]]:
    return metric.name, metric.description, metric.labels
