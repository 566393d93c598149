"""Histograms that cost an observer next to nothing.

prometheus_client's own takes a lock for each of its counters and walks through the buckets one by
one, fifty of them here. Everything in a service observes from one event loop, so none of that is
needed: a binary search and two additions. What a scrape sees is the same.
"""

from bisect import bisect_left
from collections.abc import Iterable
from itertools import accumulate
from time import time

from prometheus_client import CollectorRegistry
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import Collector
from prometheus_client.samples import Exemplar
from prometheus_client.utils import floatToGoString

from services.telemetry import Metric

#: Upper bound, observations up to it, and one of them that is named.
Bucket = tuple[str, float] | tuple[str, float, Exemplar]


class Distribution:
    """The observations under one set of label values."""

    __slots__ = ("_bounds", "_counts", "_exemplars", "_sum")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._exemplars: dict[int, Exemplar] = {}
        self._sum = 0.0

    def observe(self, value: float) -> None:
        # Not safe from another thread: two additions could lose one of them.
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    def exemplify(self, value: float, labels: dict[str, str]) -> None:
        """Let the value's bucket show where an observation came from: the latest such wins."""
        self._exemplars[bisect_left(self._bounds, value)] = Exemplar(labels, value, time())

    def buckets(self) -> list[Bucket]:
        """How many observations were at most so much, for each bound and for infinity."""
        bounds = (*map(floatToGoString, self._bounds), "+Inf")
        counts = map(float, accumulate(self._counts))
        buckets: list[Bucket] = list(zip(bounds, counts, strict=True))
        for index, exemplar in self._exemplars.items():
            buckets[index] = (*buckets[index][:2], exemplar)
        return buckets

    @property
    def sum(self) -> float:
        return self._sum


class Distributions(Collector):
    """One histogram metric: a distribution for each set of label values."""

    def __init__(self, metric: Metric, registry: CollectorRegistry) -> None:
        self._metric = metric
        self._children: dict[tuple[str, ...], Distribution] = {}
        registry.register(self)

    def labels(self, *values: object) -> Distribution:
        """Raises ValueError when these are not as many values as the metric has labels."""
        key = tuple(map(str, values))
        if len(key) != len(self._metric.labels):
            raise ValueError(f"{self._metric.name} has the labels {self._metric.labels}")
        return self._children.setdefault(key, Distribution(self._metric.buckets))

    def collect(self) -> Iterable[HistogramMetricFamily]:
        metric = self._metric
        family = HistogramMetricFamily(metric.name, metric.description, labels=metric.labels)
        for values, child in self._children.items():
            family.add_metric(values, child.buckets(), child.sum)
        yield family
