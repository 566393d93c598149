"""Alert rules. Each has a section in RUNBOOK.md with its cause and its remedy."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from monitoring.promql import quantile, rate, select, total
from monitoring.recording_rules import LAG, TECHNIQUE, error_ratio
from monitoring.scrape_targets import TARGETS
from services.telemetry import (
    CACHE_CIRCUIT_BREAKER,
    CACHE_REQUESTS,
    DATABASE_CONNECTION_LEAKS,
    DATABASE_CONNECTION_REFUSALS,
    DATABASE_CONNECTION_WAIT,
    DATABASE_CONNECTIONS,
    LOG_RECORDS,
)

RUNBOOK = "monitoring/RUNBOOK.md"
#: Share of requests that must get a response other than 5xx.
OBJECTIVE = 0.999
MAXIMUM_WAIT_SECONDS = 0.1
MAXIMUM_LAG_SECONDS = 0.1
#: A half-open breaker counts as not recovered.
_NOT_CLOSED = 'state!="closed"'


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert that fires after `expression` has held for `holds_for`.

    Prometheus fills in the `{{ }}` of the summary.
    """

    name: str
    expression: str
    holds_for: str
    severity: Literal["critical", "warning"]
    summary: str

    @property
    def runbook(self) -> str:
        return f"{RUNBOOK}#{self.name.lower()}"


def alerts() -> Iterator[Alert]:
    yield _target_down()
    yield _burn(
        "ErrorBudgetBurnsFast",
        14.4,
        "1h",
        "5m",
        "critical",
        "uses 2 % of a month's budget per hour",
    )
    yield _burn(
        "ErrorBudgetBurnsSlowly",
        6,
        "6h",
        "30m",
        "warning",
        "uses 5 % of a month's budget in six hours",
    )
    yield from _connection_alerts()
    yield from _cache_alerts()
    yield Alert(
        "LogRecordsLost",
        _any_increase(LOG_RECORDS.name, 'outcome=~"dropped|failed"'),
        "0s",
        "warning",
        "{{ $labels.technique }} loses log records: its queue is full or writing fails",
    )
    yield Alert(
        "EventLoopBlocked",
        f"{LAG} > {MAXIMUM_LAG_SECONDS}",
        "1m",
        "warning",
        "the event loop of {{ $labels.technique }} is blocked for"
        " {{ $value | humanizeDuration }} (p99)",
    )


def _connection_alerts() -> Iterator[Alert]:
    yield _pool_exhausted()
    yield Alert(
        "ConnectionsRefused",
        _any_increase(DATABASE_CONNECTION_REFUSALS.name),
        "15s",
        "warning",
        "{{ $labels.technique }} refuses requests: its pool has no free connection in time",
    )
    yield Alert(
        "ConnectionsHeldTooLong",
        _any_increase(DATABASE_CONNECTION_LEAKS.name),
        "0s",
        "warning",
        "a request of {{ $labels.technique }} holds a database connection too long",
    )


def _cache_alerts() -> Iterator[Alert]:
    yield Alert(
        "CircuitBreakerOpen",
        f"{total(TECHNIQUE, select(CACHE_CIRCUIT_BREAKER.name, _NOT_CLOSED))} > 0",
        "15s",
        "warning",
        "{{ $labels.technique }} skips its failing cache and queries the database directly",
    )
    yield Alert(
        "CacheUnreachable",
        _any_increase(CACHE_REQUESTS.name, 'result="error"'),
        "15s",
        "warning",
        "{{ $labels.technique }} cannot reach its cache and queries the database instead",
    )


def _any_increase(counter: str, *matchers: str) -> str:
    return f"{total(TECHNIQUE, rate(counter, '1m', *matchers))} > 0"


def _target_down() -> Alert:
    # DNS does not know a removed container, so `up` has no series for the container. Therefore
    # every service is expected by name.
    missing = " or ".join(f'absent(up{{service="{name}"}})' for name in TARGETS)
    return Alert(
        "TargetDown",
        f"max by (service) (up) == 0 or {missing}",
        "15s",
        "critical",
        "Prometheus cannot reach {{ $labels.service }}",
    )


def _burn(
    name: str,
    factor: float,
    long: str,
    short: str,
    severity: Literal["critical", "warning"],
    consumption: str,
) -> Alert:
    """Multi-window, multi-burn-rate alert: the Site Reliability Workbook, chapter 5.

    The long window shows that many requests failed, the short window that they still fail.
    """
    threshold = f"{factor:g} * {1 - OBJECTIVE:.4g}"
    return Alert(
        name,
        f"{error_ratio(long)} > {threshold} and {error_ratio(short)} > {threshold}",
        "30s",
        severity,
        f"{{{{ $labels.technique }}}} fails {{{{ $value | humanizePercentage }}}} of its requests:"
        f" {consumption}",
    )


def _pool_exhausted() -> Alert:
    idle = total(TECHNIQUE, select(DATABASE_CONNECTIONS.name, 'state="idle"'))
    wait = quantile(0.99, DATABASE_CONNECTION_WAIT, TECHNIQUE, "1m")
    return Alert(
        "PoolExhausted",
        f"{idle} == 0 and {wait} > {MAXIMUM_WAIT_SECONDS}",
        "30s",
        "warning",
        "requests of {{ $labels.technique }} wait: no database connection is idle",
    )
