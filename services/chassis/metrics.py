"""The metrics of telemetry.py as Prometheus collectors, in a registry of the application's own."""

from collections.abc import Iterable

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
        self._requests: dict[tuple[Label, str, int], tuple[Distribution, Distribution]] = {}

    def counter(self, metric: Metric) -> Counter:
        return Counter(metric.name, metric.description, metric.labels, registry=self.registry)

    def gauge(self, metric: Metric) -> Gauge:
        return Gauge(metric.name, metric.description, metric.labels, registry=self.registry)

    def histogram(self, metric: Metric) -> Distributions:
        return Distributions(metric, self.registry)

    def request_finished(
        self, label: Label, method: str, status: int, seconds: float, size: int
    ) -> None:
        """Count one answered request: its duration in seconds, its body's size in bytes."""
        key = (label, method, status)
        children = self._requests.get(key) or self._request_children(key)
        children[0].observe(seconds)
        children[1].observe(size)

    def _request_children(self, key: tuple[Label, str, int]) -> tuple[Distribution, Distribution]:
        label, method, status = key
        children = (self._durations.labels(*label, method, status), self._sizes.labels(*label))
        self._requests[key] = children
        return children


METRICS = web.AppKey("metrics", Metrics)


def metrics_routes(metrics: Metrics) -> Iterable[web.RouteDef]:
    return [web.get("/metrics", make_aiohttp_handler(metrics.registry))]
