"""The metrics of telemetry.py as Prometheus collectors, in one registry for each application."""

from collections.abc import Iterable

from aiohttp import web
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    PlatformCollector,
    ProcessCollector,
    Summary,
    disable_created_metrics,
)
from prometheus_client.aiohttp import make_aiohttp_handler

from services.chassis.histogram_collector import Distribution, HistogramCollector
from services.telemetry import SERVICE_REQUESTS, Metric, RequestMetrics

# A creation time for each series would double the cost of a scrape. No query of the lab reads it.
disable_created_metrics()  # type: ignore[no-untyped-call]

#: The technique and the variant under which a request is counted.
Label = tuple[str, str]


class Metrics:
    """The metrics of one process. All have the same technique.

    Look children up once and keep them: `labels()` costs as much as twenty dictionary look-ups, and
    code on the hot path would pay for it on each request.
    """

    def __init__(self, technique: str, requests: RequestMetrics = SERVICE_REQUESTS) -> None:
        self.technique = technique
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        self._durations = self.histogram(requests.duration)
        self._sizes = self.histogram(requests.size)
        self._cpu = self.summary(requests.cpu)

    def counter(self, metric: Metric) -> Counter:
        return Counter(metric.name, metric.description, metric.labels, registry=self.registry)

    def gauge(self, metric: Metric) -> Gauge:
        return Gauge(metric.name, metric.description, metric.labels, registry=self.registry)

    def summary(self, metric: Metric) -> Summary:
        return Summary(metric.name, metric.description, metric.labels, registry=self.registry)

    def histogram(self, metric: Metric) -> HistogramCollector:
        return HistogramCollector(metric, self.registry)

    def recorder(self, label: Label) -> "Recorder":
        """A recorder of requests with this label."""
        return Recorder(label, self._durations, self._sizes, self._cpu)


class Recorder:
    """Counts the responses to requests with one label."""

    def __init__(
        self, label: Label, durations: HistogramCollector, sizes: HistogramCollector, cpu: Summary
    ) -> None:
        self._label = label
        self._durations = durations
        self._duration_of: dict[tuple[str, int], Distribution] = {}
        self._size = sizes.labels(*label)
        self._cpu = cpu.labels(*label)

    def answered(self, method: str, status: int, seconds: float, body_bytes: int) -> None:
        """Count a response, its duration and the size of its body."""
        key = (method, status)
        duration = self._duration_of.get(key)
        if duration is None:
            duration = self._duration_of[key] = self._durations.labels(*self._label, *key)
        duration.observe(seconds)
        self._size.observe(body_bytes)

    def mark_slow(self, method: str, status: int, seconds: float, request_id: str) -> None:
        """Make a request the exemplar of its bucket. Call `answered` for the request first."""
        self._duration_of[method, status].exemplify(seconds, {"request_id": request_id})

    def took_cpu(self, seconds: float) -> None:
        """Add the CPU time of a request that was measured."""
        self._cpu.observe(seconds)


METRICS = web.AppKey("metrics", Metrics)


def metrics_routes(metrics: Metrics) -> Iterable[web.RouteDef]:
    return [web.get("/metrics", make_aiohttp_handler(metrics.registry))]
