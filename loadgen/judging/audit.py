"""May these figures be believed? The load generator's own shortcomings, against stated limits."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from loadgen.evidence.block_record import Record, together, total
from loadgen.evidence.bundle import Experiment
from loadgen.evidence.receipts import requests_counted

#: In milliseconds. A generator that has its core to itself is late by a fraction of one, one that
#: shares it with the server by a few, the time slices of a scheduler. One that is held to a part
#: of a core stands still for tens: the latencies that it tells are its own.
MAXIMUM_LAG_P99 = 20.0
#: Of one core. The generator is one thread: above this it cannot send sooner than it does, and the
#: throughput that it tells is its own.
MAXIMUM_CPU = 0.9
#: Of all requests. A failed one has no latency, and is often failed because it would have been
#: slow: with one in a thousand missing, the p99 is still among those that are there.
MAXIMUM_ERROR_SHARE = 0.001
#: Of all requests. The server's count and ours are of the same requests: where they differ by more
#: than may fail, somebody else used the server, or the counters are not those of these blocks.
MAXIMUM_COUNT_MISMATCH = 0.001


@dataclass(frozen=True, slots=True)
class Finding:
    """A measured shortcoming; `reason` says it in words, for when it is beyond its limit."""

    check: str
    value: float
    limit: float
    reason: str

    @property
    def ok(self) -> bool:
        return self.value <= self.limit


def audit(experiment: Experiment, generators: int = 1) -> tuple[Finding, ...]:
    """Each check that these records allow; what cannot be checked is not among the findings.

    All but the lag are made for each arm, since in the mean a good one would hide a bad one. Lag
    is the machine's doing more than an arm's, and one hiccup is not to condemn a short run.
    """
    arms = [experiment.of(arm) for arm in experiment.arms]
    measured = [records for records in arms if records]
    if not measured:
        return ()
    found = [
        *_lag(experiment.records),
        _worst(map(_cpu, measured)),
        _worst(map(_errors, measured)),
    ]
    countable = [records for records in map(_counted, measured) if records]
    # Generators that ran side by side have each read the counters of all: these say nothing of one.
    if countable and generators == 1:
        found.append(_worst(map(_mismatch, countable)))
    return tuple(found)


def _worst(findings: Iterable[Finding]) -> Finding:
    return max(findings, key=lambda finding: finding.value)


def _counted(records: Sequence[Record]) -> list[Record]:
    """Those of which the server told how many requests it answered."""
    return [each for each in records if requests_counted(each.counters) is not None]


def _lag(records: Sequence[Record]) -> Iterator[Finding]:
    lags = together(*(record.lags for record in records))
    if lags.count:
        milliseconds = lags.quantile(0.99) * 1e3
        reason = f"the load generator itself was late: by {milliseconds:.1f} ms at p99"
        yield Finding("schedule lag p99, ms", milliseconds, MAXIMUM_LAG_P99, reason)


def _cpu(records: Sequence[Record]) -> Finding:
    seconds = sum(record.seconds for record in records)
    cores = sum(record.cpu_seconds for record in records) / seconds if seconds else 0.0
    reason = f"the load generator was at its limit: {cores:.2f} cores of CPU with {records[0].arm}"
    return Finding("load generator's CPU, cores", cores, MAXIMUM_CPU, reason)


def _errors(records: Sequence[Record]) -> Finding:
    errors, sent = sum(each.errors for each in records), sum(each.sent for each in records)
    first = next((each.first_error for each in records if each.errors), "")
    reason = f"{errors} of {sent} requests to {records[0].arm} failed, first: {first}"
    share = errors / sent if sent else 0.0
    return Finding("failed requests, share", share, MAXIMUM_ERROR_SHARE, reason)


def _mismatch(records: Sequence[Record]) -> Finding:
    sent = sum(record.sent for record in records)
    counted = requests_counted(total(*(record.counters for record in records))) or 0.0
    reason = f"{sent} requests were sent to {records[0].arm}, but the server counted {counted:.0f}"
    share = abs(counted - sent) / max(sent, 1)
    return Finding("requests not counted alike, share", share, MAXIMUM_COUNT_MISMATCH, reason)
