"""The metrics of telemetry.py as Prometheus collectors, in a registry of the application's own."""

from collections.abc import Callable, Iterable

from aiohttp import web
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.aiohttp import make_aiohttp_handler

from services import telemetry
from services.chassis.distribution import Distribution, Distributions
from services.telemetry import Metric

# A creation time for each series would double what a scrape costs, and nobody asks for it.
disable_created_metrics()  # type: ignore[no-untyped-call]

#: The technique and the variant that a request counts for.
Label = tuple[str, str]
Recorder = Callable[[str, int, float, int], None]


class Metrics:
    """One process's metrics, all carrying the same technique.

    Children are looked up once and kept: `labels()` costs twenty times a dictionary look-up, and
    the hot path pays it per request.
    """

    def __init__(self, technique: str) -> None:
        self.technique = technique
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        self._durations = self.histogram(telemetry.REQUEST_DURATION)
        self._sizes = self.histogram(telemetry.RESPONSE_SIZE)

    def counter(self, metric: Metric) -> Counter:
        return Counter(metric.name, metric.description, metric.labels, registry=self.registry)

    def gauge(self, metric: Metric) -> Gauge:
        return Gauge(metric.name, metric.description, metric.labels, registry=self.registry)

    def histogram(self, metric: Metric) -> Distributions:
        return Distributions(metric, self.registry)

    def recorder(self, label: Label) -> Recorder:
        """Counts an answered request under the label: method, status, seconds, bytes of body."""
        size = self._sizes.labels(*label)
        durations: dict[tuple[str, int], Distribution] = {}

        def record(method: str, status: int, seconds: float, body_bytes: int) -> None:
            key = (method, status)
            duration = durations.get(key)
            if duration is None:
                duration = durations[key] = self._durations.labels(*label, method, status)
            duration.observe(seconds)
            size.observe(body_bytes)

        return record


METRICS = web.AppKey("metrics", Metrics)


def metrics_routes(metrics: Metrics) -> Iterable[web.RouteDef]:
    return [web.get("/metrics", make_aiohttp_handler(metrics.registry))]
