"""What became of the records, as a metric."""

from aiohttp import web
from prometheus_client import Counter

from services.async_logging.technique import TECHNIQUE


class Outcomes:
    """The counters of one variant."""

    def __init__(self, counter: Counter, variant: str) -> None:
        labels = (TECHNIQUE.name, variant)
        self._accepted = counter.labels(*labels, "accepted")
        self._written = counter.labels(*labels, "written")
        self._dropped = counter.labels(*labels, "dropped")
        self._failed = counter.labels(*labels, "failed")

    def accepted(self, count: int) -> None:
        self._accepted.inc(count)

    def written(self, count: int) -> None:
        self._written.inc(count)

    def dropped(self, count: int) -> None:
        self._dropped.inc(count)

    def failed(self, count: int) -> None:
        self._failed.inc(count)


RECORDS = web.AppKey("records", Counter)
