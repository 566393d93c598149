"""Counts encoded bytes and times encoding, per variant and coding, as Prometheus metrics."""

from functools import cache

from aiohttp import web
from prometheus_client import Counter

from services import telemetry
from services.chassis.histogram_collector import Distribution
from services.chassis.metrics import METRICS
from services.chassis.request_context import VARIANT
from services.compression.body_encoder import EncodingObserver

ENCODING_OBSERVER = web.AppKey("encoding_observer", EncodingObserver)


class EncodingMetrics:
    """An EncodingObserver. Call it on the event loop, in the context of a request."""

    def __init__(self, application: web.Application) -> None:
        metrics = application[METRICS]
        self._technique = metrics.technique
        self._bytes = metrics.counter(telemetry.COMPRESSION_BYTES)
        self._durations = metrics.histogram(telemetry.COMPRESSION_DURATION)
        # A lookup by labels is slow, and there are only a few dozen pairs of variant and coding.
        self._counters = cache(self._counters_of)
        self._duration = cache(self._duration_of)

    def body_encoded(
        self, coding: str, plain_bytes: int, encoded_bytes: int, seconds: float
    ) -> None:
        variant = VARIANT.get()
        bytes_in, bytes_out = self._counters(variant, coding)
        bytes_in.inc(plain_bytes)
        bytes_out.inc(encoded_bytes)
        if seconds:
            self._duration(variant, coding).observe(seconds)

    def _counters_of(self, variant: str, coding: str) -> tuple[Counter, Counter]:
        labels = self._technique, variant, coding
        return self._bytes.labels(*labels, "in"), self._bytes.labels(*labels, "out")

    def _duration_of(self, variant: str, coding: str) -> Distribution:
        return self._durations.labels(self._technique, variant, coding)
