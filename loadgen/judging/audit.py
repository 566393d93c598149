"""The load generator's self-audit: its own shortcomings, measured against stated limits."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from loadgen.evidence.block_record import Record, together, total
from loadgen.evidence.bundle import Experiment
from loadgen.evidence.receipts import requests_counted

#: In milliseconds. A generator with a whole core is late by less than one millisecond. A generator
#: that shares its core with the server is late by a few: the time slices of the scheduler. A
#: generator that is throttled to a part of a core stands still for tens of milliseconds. Then the
#: latencies that it measures are its own.
MAXIMUM_LAG_P99 = 20.0
#: Of one core. The generator has one thread. Above this share it cannot send earlier than it does,
#: and the throughput it measures is its own.
MAXIMUM_CPU = 0.9
#: Of all requests. Failed requests hide slow ones. With a failure rate below 0.1 %, the p99 of the
#: successful requests is still valid.
MAXIMUM_ERROR_SHARE = 0.001
#: Of all requests. The server and the generator count the same requests. If the counts differ by
#: more than may fail, another client used the server, or the counters belong to other blocks.
MAXIMUM_COUNT_MISMATCH = 0.001


@dataclass(frozen=True, slots=True)
class Finding:
    """A measured shortcoming; `reason` states it for the case that it is beyond its limit."""

    check: str
    value: float
    limit: float
    reason: str

    @property
    def ok(self) -> bool:
        return self.value <= self.limit


def audit(experiment: Experiment, generators: int = 1) -> tuple[Finding, ...]:
    """The findings of all checks for which the records have the data.

    Every check but the lag reports the worst arm, since a good arm would hide a bad one in the
    mean. The lag is that of all arms together: it depends on the machine more than on the arm, and
    one stall must not invalidate a short run.
    """
    arms = [experiment.of(arm) for arm in experiment.arms]
    measured = [records for records in arms if records]
    if not measured:
        return ()
    findings = [
        *_lag(experiment.records),
        _worst(map(_cpu, measured)),
        _worst(map(_errors, measured)),
    ]
    countable = [records for records in map(_counted, measured) if records]
    # Generators that run side by side each read counters of the requests of all generators.
    if countable and generators == 1:
        findings.append(_worst(map(_mismatch, countable)))
    return tuple(findings)


def _worst(findings: Iterable[Finding]) -> Finding:
    return max(findings, key=lambda finding: finding.value)


def _counted(records: Sequence[Record]) -> list[Record]:
    """The blocks with the server's own count of requests."""
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
