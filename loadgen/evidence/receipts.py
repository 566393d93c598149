"""Receipts: facts that the server counted per request, which explain a ratio.

Pure functions over the text of a server's `/metrics`. A bundle stores the counters under
Prometheus' names. The receipts are computed from them when the bundle is judged.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import isfinite

from prometheus_client.metrics_core import Metric as Family
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from services import telemetry
from services.telemetry import METRICS

#: By series: a metric's name with the labels that are kept.
Counters = Mapping[str, float]

PROCESS_CPU = "process_cpu_seconds_total"
_OURS = {metric.name for metric in METRICS}
#: Counters of the server's runtime explain no ratio.
_OF_THE_RUNTIME = ("process_", "python_", "go_", "jvm_", "nodejs_")
_MILLISECONDS = 1e3

# From text to counters


def counters(exposition: str, variant: str = "") -> dict[str, float]:
    """All counters of a server, and the sum and count of the lab's own histograms.

    With a variant, the series of other variants are left out. The lab's own metrics keep their
    labels, except technique and variant. Counters of other servers are summed over all their
    labels, since there may be thousands of series. Raises ValueError if the text is not in
    Prometheus' format.
    """
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(exposition):
        kept = _kept(family)
        # A declared counter without a sample is zero, not unknown.
        found.update(dict.fromkeys(kept, 0.0))
        for sample in family.samples:
            if sample.name in kept and _is_of(sample, variant) and isfinite(sample.value):
                series = _series(sample)
                found[series] = found.get(series, 0.0) + sample.value
    return found


def own_counters(exposition: str, variant: str) -> dict[str, float]:
    """The counters with this variant's label. They stop growing when its last request is finished.

    Raises ValueError as `counters` does.
    """
    return {
        f"{sample.name}{sorted(sample.labels.items())}": sample.value
        for family in text_string_to_metric_families(exposition)
        for sample in family.samples
        if sample.name in _kept(family) and sample.labels.get("variant") == variant
    }


def _kept(family: Family) -> tuple[str, ...]:
    """The names of the family's samples that are stored."""
    if family.type == "counter":
        return (f"{family.name}_total",)
    if family.name in _OURS and family.type in ("histogram", "summary"):
        # Buckets are left out: the client measures the distribution more precisely.
        return (f"{family.name}_sum", f"{family.name}_count")
    return ()


def _is_of(sample: Sample, variant: str) -> bool:
    return not variant or sample.labels.get("variant", variant) == variant


def _series(sample: Sample) -> str:
    """`name{label="value"}`, as Prometheus writes it."""
    labels = {
        name: value
        for name, value in sorted(sample.labels.items())
        if name not in ("technique", "variant")
    }
    if not labels or not _is_ours(sample.name):
        return sample.name
    return sample.name + "{" + ",".join(map(_label, labels, labels.values())) + "}"


def _label(name: str, value: str) -> str:
    return f'{name}="{value}"'


def _is_ours(series: str) -> bool:
    name = series.partition("{")[0]
    return name in _OURS or name.removesuffix("_sum").removesuffix("_count") in _OURS


def _is_series_of(series: str, name: str) -> bool:
    return series == name or series.startswith(f"{name}{{")


def growth(before: Counters, after: Counters) -> dict[str, float]:
    """By how much each counter grew.

    A counter that is smaller than before restarted at zero with its server, as Prometheus'
    `increase` also assumes.
    """
    return {
        series: value - before.get(series, 0.0) if value >= before.get(series, 0.0) else value
        for series, value in after.items()
    }


# From counters to receipts


@dataclass(frozen=True, slots=True)
class Part:
    """All series of a metric, or the series with one label's value."""

    metric: str
    label: str = ""

    def of(self, grown: Counters) -> float | None:
        """The sum of the series; None if the server lacks the metric."""
        series = [each for each in grown if _is_series_of(each, self.metric)]
        return sum(grown[each] for each in series if self.label in each) if series else None


@dataclass(frozen=True, slots=True)
class Receipt:
    """A figure for people: `above` times `factor`, divided by `below` (by default the requests)."""

    name: str
    above: Part
    below: Part | None = None
    factor: float = 1.0


_REQUESTS = Part(f"{telemetry.REQUEST_DURATION.name}_count")
_RECEIPTS = (
    Receipt("statements per request", Part(telemetry.DATABASE_OPERATIONS.name)),
    Receipt(
        "ms in statements per request",
        Part(f"{telemetry.DATABASE_OPERATION_DURATION.name}_sum"),
        factor=_MILLISECONDS,
    ),
    Receipt("connections opened per request", Part(telemetry.DATABASE_CONNECTIONS_OPENED.name)),
    Receipt(
        "ms of waiting for a connection per request",
        Part(f"{telemetry.DATABASE_CONNECTION_WAIT.name}_sum"),
        factor=_MILLISECONDS,
    ),
    Receipt(
        "cache hit ratio",
        Part(telemetry.CACHE_REQUESTS.name, 'result="hit"'),
        Part(telemetry.CACHE_REQUESTS.name),
    ),
    Receipt(
        "ms of JSON encoding per request",
        Part(f"{telemetry.JSON_ENCODE_DURATION.name}_sum"),
        factor=_MILLISECONDS,
    ),
    Receipt(
        "encoded bytes of one byte",
        Part(telemetry.COMPRESSION_BYTES.name, 'stage="out"'),
        Part(telemetry.COMPRESSION_BYTES.name, 'stage="in"'),
    ),
    Receipt(
        "log records written per request", Part(telemetry.LOG_RECORDS.name, 'outcome="written"')
    ),
    Receipt(
        "log records dropped per request", Part(telemetry.LOG_RECORDS.name, 'outcome="dropped"')
    ),
    Receipt(
        "bytes per response",
        Part(f"{telemetry.RESPONSE_SIZE.name}_sum"),
        Part(f"{telemetry.RESPONSE_SIZE.name}_count"),
    ),
    Receipt("CPU ms per request", Part(PROCESS_CPU), factor=_MILLISECONDS),
)


def requests_counted(grown: Counters) -> float | None:
    """The server's count of answered requests; None if the server has no counter of requests."""
    return _REQUESTS.of(grown)


def receipts(grown: Counters, requests: float) -> dict[str, float]:
    """What the server counted per request, by a name for people.

    `requests` is the client's count. The server's own count has precedence, since it was read at
    the same moments as the other counters.
    """
    counted = requests_counted(grown) or requests
    return dict((*_of_the_lab(grown, counted), *_of_others(grown, counted)))


def _of_the_lab(grown: Counters, requests: float) -> Iterator[tuple[str, float]]:
    for receipt in _RECEIPTS:
        above = receipt.above.of(grown)
        below = receipt.below.of(grown) if receipt.below else requests
        if above is not None and below:
            yield receipt.name, above * receipt.factor / below


def _of_others(grown: Counters, requests: float) -> Iterator[tuple[str, float]]:
    """All other counters that grew: any counter of an unknown server may explain a ratio."""
    for series, value in sorted(grown.items()):
        if value and requests and not series.startswith(_OF_THE_RUNTIME) and not _is_ours(series):
            yield f"{series} per request", value / requests
