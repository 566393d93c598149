"""Alert rules: what somebody would want to be told, each with a page of the runbook."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from monitoring.promql import quantile, rate, select, total
from monitoring.recording import LAG, TECHNIQUE, error_ratio
from monitoring.scraping import TARGETS
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
#: Share of requests that are to be answered without a failure of the server.
OBJECTIVE = 0.999
LONGEST_WAIT_SECONDS = 0.1
LONGEST_LAG_SECONDS = 0.1
#: While it is half-open it is not well yet.
_NOT_CLOSED = 'state!="closed"'


@dataclass(frozen=True, slots=True)
class Alert:
    """`holds_for` is how long the expression has to hold; `{{ }}` is filled in by Prometheus."""

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
        "ErrorBudgetBurnsFast", 14.4, "1h", "5m", "critical", "2 % of a month's budget an hour"
    )
    yield _burn(
        "ErrorBudgetBurnsSlowly", 6, "6h", "30m", "warning", "5 % of a month's budget in six hours"
    )
    yield from _of_connections()
    yield from _of_the_cache()
    yield Alert(
        "LogRecordsLost",
        _any_of(LOG_RECORDS.name, 'outcome=~"dropped|failed"'),
        "0s",
        "warning",
        "{{ $labels.technique }} drops log records or cannot write them",
    )
    yield Alert(
        "EventLoopBlocked",
        f"{LAG} > {LONGEST_LAG_SECONDS}",
        "1m",
        "warning",
        "the event loop of {{ $labels.technique }} is held up for"
        " {{ $value | humanizeDuration }} (p99)",
    )


def _of_connections() -> Iterator[Alert]:
    yield _pool_exhausted()
    yield Alert(
        "ConnectionsRefused",
        _any_of(DATABASE_CONNECTION_REFUSALS.name),
        "15s",
        "warning",
        "{{ $labels.technique }} turns requests away: its pool has no connection for them in time",
    )
    yield Alert(
        "ConnectionsHeldTooLong",
        _any_of(DATABASE_CONNECTION_LEAKS.name),
        "0s",
        "warning",
        "{{ $labels.technique }} has lent a connection that does not come back",
    )


def _of_the_cache() -> Iterator[Alert]:
    yield Alert(
        "CircuitBreakerOpen",
        f"{total(TECHNIQUE, select(CACHE_CIRCUIT_BREAKER.name, _NOT_CLOSED))} > 0",
        "15s",
        "warning",
        "{{ $labels.technique }} has given up on its cache for now and asks the database at once",
    )
    yield Alert(
        "CacheOutOfReach",
        _any_of(CACHE_REQUESTS.name, 'result="error"'),
        "15s",
        "warning",
        "{{ $labels.technique }} cannot reach its cache and asks the database instead",
    )


def _any_of(counter: str, *matchers: str) -> str:
    return f"{total(TECHNIQUE, rate(counter, '1m', *matchers))} > 0"


def _target_down() -> Alert:
    # A container that is gone has no name any more, and what has no name is no target that could
    # be down: each is expected by name.
    missing = " or ".join(f'absent(up{{service="{name}"}})' for name in TARGETS)
    return Alert(
        "TargetDown",
        f"max by (service) (up) == 0 or {missing}",
        "15s",
        "critical",
        "{{ $labels.service }} does not answer Prometheus",
    )


def _burn(
    name: str,
    factor: float,
    long: str,
    short: str,
    severity: Literal["critical", "warning"],
    speed: str,
) -> Alert:
    """Multi-window, multi-burn-rate: the Site Reliability Workbook, chapter 5.

    The long window tells that it matters, the short one that it still goes on.
    """
    threshold = f"{factor:g} * {1 - OBJECTIVE:.4g}"
    return Alert(
        name,
        f"{error_ratio(long)} > {threshold} and {error_ratio(short)} > {threshold}",
        "30s",
        severity,
        f"{{{{ $labels.technique }}}} fails {{{{ $value | humanizePercentage }}}} of its requests:"
        f" {speed}",
    )


def _pool_exhausted() -> Alert:
    idle = total(TECHNIQUE, select(DATABASE_CONNECTIONS.name, 'state="idle"'))
    wait = quantile(0.99, DATABASE_CONNECTION_WAIT, TECHNIQUE, "1m")
    return Alert(
        "PoolExhausted",
        f"{idle} == 0 and {wait} > {LONGEST_WAIT_SECONDS}",
        "30s",
        "warning",
        "requests of {{ $labels.technique }} wait for a database connection: none is idle",
    )
