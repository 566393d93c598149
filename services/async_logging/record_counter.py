"""Counts of log records by outcome, and the metric `log_records_total` that shows them.

Requests add to plain integers, which a scrape reads. prometheus_client's own counters take a lock
per record. That would take a large part of the time that a record needs to enter the queue.
"""

from collections.abc import Iterable

from aiohttp import web
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector, CollectorRegistry

from services import telemetry
from services.async_logging.technique import TECHNIQUE

OUTCOMES = ("accepted", "written", "sampled", "dropped", "failed")


class OutcomeCounts:
    """The counts of one queue or one blocking logger. Implements `LogObserver`."""

    def __init__(self) -> None:
        self.counts = dict.fromkeys(OUTCOMES, 0)

    @property
    def pending(self) -> int:
        """Records that are accepted and neither written nor failed."""
        return self.counts["accepted"] - self.counts["written"] - self.counts["failed"]

    def accepted(self, count: int) -> None:
        self.counts["accepted"] += count

    def written(self, count: int) -> None:
        self.counts["written"] += count

    def sampled(self, count: int) -> None:
        self.counts["sampled"] += count

    def dropped(self, count: int) -> None:
        self.counts["dropped"] += count

    def failed(self, count: int) -> None:
        self.counts["failed"] += count


class RecordCounter(Collector):
    """The collector of `log_records_total`: the sum over the sinks of each variant."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._counts: dict[str, list[OutcomeCounts]] = {}
        registry.register(self)

    def new_counts(self, variant: str) -> OutcomeCounts:
        """New counts of this variant. Each thread that counts needs its own."""
        counts = OutcomeCounts()
        self._counts.setdefault(variant, []).append(counts)
        return counts

    def totals(self) -> dict[str, dict[str, int]]:
        """Number of records by variant and outcome."""
        return {
            variant: {name: sum(each.counts[name] for each in by_sink) for name in OUTCOMES}
            for variant, by_sink in self._counts.items()
        }

    def collect(self) -> Iterable[CounterMetricFamily]:
        metric = telemetry.LOG_RECORDS
        family = CounterMetricFamily(metric.name, metric.description, labels=metric.labels)
        for variant, counts in self.totals().items():
            for outcome, count in counts.items():
                family.add_metric((TECHNIQUE.name, variant, outcome), count)
        yield family


RECORDS = web.AppKey("records", RecordCounter)
