"""What the processes take, and how the servers behind them look from their side."""

from grafana_foundation_sdk.builders.dashboard import Row
from grafana_foundation_sdk.builders.timeseries import Panel as TimeSeries
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import VariableHide

from monitoring.dashboards.frame import choice_of_labels, finished, frame
from monitoring.dashboards.panels import counting, query, time_series
from monitoring.promql import STEP, per_second, quantile, rate, select, total
from monitoring.recording import LAG, TECHNIQUE
from services.telemetry import (
    CACHE_REQUESTS,
    DATABASE_CONNECTION_WAIT,
    DATABASE_CONNECTIONS,
    DATABASE_CONNECTIONS_OPENED,
    DATABASE_OPERATION_DURATION,
    DATABASE_OPERATIONS,
)

_CHOSEN = 'service=~"$service"'
_PROCESS = ("service", "instance")
_NAME = "{{service}} {{instance}}"


def runtime() -> model.Dashboard:
    dashboard = (
        frame(
            "runtime",
            "5 · Runtime",
            "What each process takes, and how PostgreSQL and Redis look from the services' side.",
        )
        .with_variable(
            choice_of_labels("service", "Process", "up", "service", VariableHide.DONT_HIDE)
        )
        .with_row(Row("Processes"))
    )
    for panel in (_up(), _cpu(), _memory(), _lag(), _collections(), _files()):
        dashboard = dashboard.with_panel(panel)
    dashboard = dashboard.with_row(Row("PostgreSQL, as the services see it"))
    for panel in (_statements(), _failures(), _duration(), _connections(), _opened(), _wait()):
        dashboard = dashboard.with_panel(panel)
    dashboard = dashboard.with_row(Row("Redis, as the services see it")).with_panel(_look_ups())
    return finished(dashboard)


def _up() -> TimeSeries:
    panel = time_series(
        "Processes that answer",
        "Replicas of each process that answer Prometheus. One that is gone altogether has no name"
        " any more and leaves the picture: that is what the alert TargetDown is for.",
        units.Short,
        query(f"sum by (service) ({select('up', _CHOSEN)})", "{{service}}"),
    )
    return counting(panel.decimals(0))


def _cpu() -> TimeSeries:
    return time_series(
        "CPU",
        "Of one core; a Python process cannot take much more than one.",
        units.PercentUnit,
        query(total(_PROCESS, rate("process_cpu_seconds_total", STEP, _CHOSEN)), _NAME),
    )


def _memory() -> TimeSeries:
    return time_series(
        "Memory",
        "Resident memory, shared pages included.",
        units.BytesIEC,
        query(total(_PROCESS, select("process_resident_memory_bytes", _CHOSEN)), _NAME),
    )


def _lag() -> TimeSeries:
    return time_series(
        "Event loop lag, p99",
        "By how much a timer fires late, of the last five minutes: a handler that computes without"
        " a pause makes every other request of its process wait as long.",
        units.Seconds,
        query(LAG, "{{technique}}"),
    )


def _collections() -> TimeSeries:
    return time_series(
        "Garbage collections",
        "Collections a second, of all generations.",
        units.OpsPerSecond,
        query(
            total(("service",), rate("python_gc_collections_total", STEP, _CHOSEN)), "{{service}}"
        ),
    )


def _files() -> TimeSeries:
    return time_series(
        "Open files",
        "File descriptors, connections included.",
        units.Short,
        query(total(_PROCESS, select("process_open_fds", _CHOSEN)), _NAME),
    )


def _statements() -> TimeSeries:
    return time_series(
        "Statements",
        "Statements a second, by the technique that sent them.",
        units.OpsPerSecond,
        query(per_second(DATABASE_OPERATIONS, TECHNIQUE, STEP), "{{technique}}"),
    )


def _failures() -> TimeSeries:
    panel = time_series(
        "Statements that failed",
        "Statements a second that brought no answer: refused, broken off, or past their deadline.",
        units.OpsPerSecond,
        query(per_second(DATABASE_OPERATIONS, TECHNIQUE, STEP, 'outcome="error"'), "{{technique}}"),
    )
    return counting(panel)


def _duration() -> TimeSeries:
    return time_series(
        "Duration of a statement, p99",
        "As the service saw it, the way there and back included.",
        units.Seconds,
        query(quantile(0.99, DATABASE_OPERATION_DURATION, TECHNIQUE, STEP), "{{technique}}"),
    )


def _connections() -> TimeSeries:
    return time_series(
        "Pooled connections",
        "Connections by state. None idle for long means that requests wait for one.",
        units.Short,
        query(total(("technique", "state"), DATABASE_CONNECTIONS.name), "{{technique}} {{state}}"),
    )


def _opened() -> TimeSeries:
    panel = time_series(
        "Connections opened",
        "Connections a second. A pool opens few; one for each request is what it saves.",
        units.OpsPerSecond,
        query(per_second(DATABASE_CONNECTIONS_OPENED, TECHNIQUE, STEP), "{{technique}}"),
    )
    return counting(panel)


def _wait() -> TimeSeries:
    return time_series(
        "Wait for a connection, p99",
        "Until a request may send its first statement: opening a connection, or its turn.",
        units.Seconds,
        query(quantile(0.99, DATABASE_CONNECTION_WAIT, TECHNIQUE, STEP), "{{technique}}"),
    )


def _look_ups() -> TimeSeries:
    return time_series(
        "Cache look-ups by result",
        "Look-ups a second: hit, miss, shared (another request's load), error (out of reach).",
        units.OpsPerSecond,
        query(per_second(CACHE_REQUESTS, ("technique", "result"), STEP), "{{result}}"),
        columns=24,
    )
