"""What the cores tell, as metrics of the variant that is answering."""

from functools import cache

from aiohttp import web
from prometheus_client import Counter

from services import telemetry
from services.chassis.context import VARIANT
from services.chassis.distribution import Distribution
from services.chassis.metrics import METRICS
from services.compression.encoder import Observer

OBSERVER = web.AppKey("observer", Observer)


class MetricsObserver:
    """To be told from the event loop, while a request is being answered."""

    def __init__(self, application: web.Application) -> None:
        metrics = application[METRICS]
        self._technique = metrics.technique
        self._bytes = metrics.counter(telemetry.COMPRESSION_BYTES)
        self._durations = metrics.histogram(telemetry.COMPRESSION_DURATION)
        # Looked up once for each variant and coding; there are a few dozen pairs.
        self._counters = cache(self._counters_of)
        self._duration = cache(self._duration_of)

    def encoded(self, coding: str, before: int, after: int, seconds: float) -> None:
        variant = VARIANT.get()
        bytes_in, bytes_out = self._counters(variant, coding)
        bytes_in.inc(before)
        bytes_out.inc(after)
        if seconds:
            self._duration(variant, coding).observe(seconds)

    def _counters_of(self, variant: str, coding: str) -> tuple[Counter, Counter]:
        labels = self._technique, variant, coding
        return self._bytes.labels(*labels, "in"), self._bytes.labels(*labels, "out")

    def _duration_of(self, variant: str, coding: str) -> Distribution:
        return self._durations.labels(self._technique, variant, coding)
