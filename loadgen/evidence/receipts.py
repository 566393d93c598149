"""What explains a ratio: the server's own counters over a block, per request.

Pure functions over the text that a server's `/metrics` answers. Counters are stored as they were
read, under Prometheus' names; which figures are made of them is decided when a bundle is judged.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import isfinite

from prometheus_client.metrics_core import Metric as Family
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from services import telemetry
from services.telemetry import METRICS

#: By series; a series is a metric's name with those labels that are kept.
Counters = Mapping[str, float]

PROCESS_CPU = "process_cpu_seconds_total"
_OURS = {metric.name for metric in METRICS}
#: What a server's language counts of itself explains no ratio.
_OF_THE_RUNTIME = ("process_", "python_", "go_", "jvm_", "nodejs_")
_MILLISECONDS = 1e3

# From text to counters


def counters(exposition: str, variant: str = "") -> dict[str, float]:
    """All counters of a server, and sum and count of the lab's own histograms.

    Where a variant is named, series of another one are left out. The lab's own metrics keep the
    labels beyond technique and variant; those of others are added up over theirs, which may be
    thousands. Raises ValueError when it is no text in Prometheus' format.
    """
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(exposition):
        kept = _kept(family)
        # Declared, but nothing counted yet: that is zero, and not unknown.
        found.update(dict.fromkeys(kept, 0.0))
        for sample in family.samples:
            if sample.name in kept and _is_of(sample, variant) and isfinite(sample.value):
                series = _series(sample)
                found[series] = found.get(series, 0.0) + sample.value
    return found


def own_counters(exposition: str, variant: str) -> dict[str, float]:
    """Those of the variant alone: they stand still once nothing of it is left to be done.

    Raises ValueError as `counters` does.
    """
    return {
        f"{sample.name}{sorted(sample.labels.items())}": sample.value
        for family in text_string_to_metric_families(exposition)
        for sample in family.samples
        if sample.name in _kept(family) and sample.labels.get("variant") == variant
    }


def _kept(family: Family) -> tuple[str, ...]:
    """The names of the family's samples that grow and are worth to be stored."""
    if family.type == "counter":
        return (f"{family.name}_total",)
    if family.name in _OURS and family.type in ("histogram", "summary"):
        # Buckets would tell the distribution, which the client has seen better.
        return (f"{family.name}_sum", f"{family.name}_count")
    return ()


def _is_of(sample: Sample, variant: str) -> bool:
    return not variant or sample.labels.get("variant", variant) == variant


def _series(sample: Sample) -> str:
    """`name{label="value"}`, as Prometheus itself writes it."""
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

    One that is smaller than it was began anew at zero with a server that was started again:
    so does Prometheus' own `increase` see it.
    """
    return {
        series: value - before.get(series, 0.0) if value >= before.get(series, 0.0) else value
        for series, value in after.items()
    }


# From counters to receipts


@dataclass(frozen=True, slots=True)
class Part:
    """All series of a metric, or those that have a label's value."""

    metric: str
    label: str = ""

    def of(self, grown: Counters) -> float | None:
        """None where the server has no such metric."""
        series = [each for each in grown if _is_series_of(each, self.metric)]
        return sum(grown[each] for each in series if self.label in each) if series else None


@dataclass(frozen=True, slots=True)
class Receipt:
    """A figure for people: so much of `above`, times `factor`, for each of `below`."""

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
    """How many requests the server itself says that it has answered, None where it does not."""
    return _REQUESTS.of(grown)


def receipts(grown: Counters, requests: float) -> dict[str, float]:
    """What each request cost, by a name for people; nothing that the server does not count.

    `requests` is the client's count. The server's own, where it has one, comes before it: it is
    from the same moments as the other counters.
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
    """Whatever else grew: of a server that this lab knows nothing of, each counter may explain."""
    for series, value in sorted(grown.items()):
        if value and requests and not series.startswith(_OF_THE_RUNTIME) and not _is_ours(series):
            yield f"{series} per request", value / requests
