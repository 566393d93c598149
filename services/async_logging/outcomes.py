"""What became of the records, as a metric.

Counted in plain integers and read at a scrape: prometheus_client's own counters take a lock for
each record, which would be a good part of what handing one over costs.
"""

from collections.abc import Iterable

from aiohttp import web
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector, CollectorRegistry

from services import telemetry
from services.async_logging.technique import TECHNIQUE

OUTCOMES = ("accepted", "written", "sampled", "dropped", "failed")


class Outcomes:
    """The counts of one queue, or of one who writes by himself: the core's `Observer`."""

    def __init__(self) -> None:
        self.counts = dict.fromkeys(OUTCOMES, 0)

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
    """`log_records_total`: for each variant the sum over its sinks."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._outcomes: dict[str, list[Outcomes]] = {}
        registry.register(self)

    def of(self, variant: str) -> Outcomes:
        """A new set of counts; hand one to each who counts from a thread of its own."""
        outcomes = Outcomes()
        self._outcomes.setdefault(variant, []).append(outcomes)
        return outcomes

    def totals(self) -> dict[str, dict[str, int]]:
        return {
            variant: {name: sum(each.counts[name] for each in all_) for name in OUTCOMES}
            for variant, all_ in self._outcomes.items()
        }

    def collect(self) -> Iterable[CounterMetricFamily]:
        metric = telemetry.LOG_RECORDS
        family = CounterMetricFamily(metric.name, metric.description, labels=metric.labels)
        for variant, counts in self.totals().items():
            for outcome, count in counts.items():
                family.add_metric((TECHNIQUE.name, variant, outcome), count)
        yield family


RECORDS = web.AppKey("records", RecordCounter)
