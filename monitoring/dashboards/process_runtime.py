"""The dashboard of the processes, and of PostgreSQL and Redis as the services see them."""

from grafana_foundation_sdk.builders.dashboard import Row
from grafana_foundation_sdk.builders.timeseries import Panel as TimeSeries
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import VariableHide

from monitoring.dashboards.dashboard_frame import frame, label_variable, numbered
from monitoring.dashboards.panels import query, time_series, with_unit_axis
from monitoring.promql import STEP, per_second, quantile, rate, select, total
from monitoring.recording_rules import LAG, TECHNIQUE
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


def process_runtime() -> model.Dashboard:
    dashboard = (
        frame(
            "runtime",
            "5 · Runtime",
            "Resources of each process, and PostgreSQL and Redis as the services see them.",
        )
        .with_variable(
            label_variable("service", "Process", "up", "service", VariableHide.DONT_HIDE)
        )
        .with_row(Row("Processes"))
    )
    for panel in (_up(), _cpu(), _memory(), _lag(), _collections(), _files()):
        dashboard = dashboard.with_panel(panel)
    dashboard = dashboard.with_row(Row("PostgreSQL, as the services see it"))
    for panel in (_statements(), _failures(), _duration(), _connections(), _opened(), _wait()):
        dashboard = dashboard.with_panel(panel)
    dashboard = dashboard.with_row(Row("Redis, as the services see it")).with_panel(_look_ups())
    return numbered(dashboard)


def _up() -> TimeSeries:
    panel = time_series(
        "Reachable processes",
        "Replicas of each process that Prometheus can reach. A removed container disappears from"
        " this graph; the alert TargetDown reports it.",
        units.Short,
        query(f"sum by (service) ({select('up', _CHOSEN)})", "{{service}}"),
    )
    return with_unit_axis(panel.decimals(0))


def _cpu() -> TimeSeries:
    return time_series(
        "CPU",
        "Share of one core. A Python process cannot use much more than one core.",
        units.PercentUnit,
        query(total(_PROCESS, rate("process_cpu_seconds_total", STEP, _CHOSEN)), _NAME),
    )


def _memory() -> TimeSeries:
    return time_series(
        "Memory",
        "Resident memory including shared pages.",
        units.BytesIEC,
        query(total(_PROCESS, select("process_resident_memory_bytes", _CHOSEN)), _NAME),
    )


def _lag() -> TimeSeries:
    return time_series(
        "Event loop lag, p99",
        "Lateness of a timer over the last five minutes. A handler that computes without a pause"
        " delays every other request of its process by the same time.",
        units.Seconds,
        query(LAG, "{{technique}}"),
    )


def _collections() -> TimeSeries:
    return time_series(
        "Garbage collections",
        "Collections per second, all generations.",
        units.OpsPerSecond,
        query(
            total(("service",), rate("python_gc_collections_total", STEP, _CHOSEN)), "{{service}}"
        ),
    )


def _files() -> TimeSeries:
    return time_series(
        "Open files",
        "File descriptors including connections.",
        units.Short,
        query(total(_PROCESS, select("process_open_fds", _CHOSEN)), _NAME),
    )


def _statements() -> TimeSeries:
    return time_series(
        "Statements",
        "Statements per second by technique.",
        units.OpsPerSecond,
        query(per_second(DATABASE_OPERATIONS, TECHNIQUE, STEP), "{{technique}}"),
    )


def _failures() -> TimeSeries:
    panel = time_series(
        "Failed statements",
        "Statements per second without a result: refused, interrupted or timed out.",
        units.OpsPerSecond,
        query(per_second(DATABASE_OPERATIONS, TECHNIQUE, STEP, 'outcome="error"'), "{{technique}}"),
    )
    return with_unit_axis(panel)


def _duration() -> TimeSeries:
    return time_series(
        "Duration of a statement, p99",
        "Duration at the service, including the network.",
        units.Seconds,
        query(quantile(0.99, DATABASE_OPERATION_DURATION, TECHNIQUE, STEP), "{{technique}}"),
    )


def _connections() -> TimeSeries:
    return time_series(
        "Pooled connections",
        "Connections by state. If none is idle for long, requests wait for a connection.",
        units.Short,
        query(total(("technique", "state"), DATABASE_CONNECTIONS.name), "{{technique}} {{state}}"),
    )


def _opened() -> TimeSeries:
    panel = time_series(
        "Connections opened",
        "Connections per second. A pool opens few; without a pool each request opens one.",
        units.OpsPerSecond,
        query(per_second(DATABASE_CONNECTIONS_OPENED, TECHNIQUE, STEP), "{{technique}}"),
    )
    return with_unit_axis(panel)


def _wait() -> TimeSeries:
    return time_series(
        "Wait for a connection, p99",
        "Time until a request gets a connection: opening one, or waiting for a free one.",
        units.Seconds,
        query(quantile(0.99, DATABASE_CONNECTION_WAIT, TECHNIQUE, STEP), "{{technique}}"),
    )


def _look_ups() -> TimeSeries:
    return time_series(
        "Cache look-ups by result",
        "Look-ups per second: hit, miss, shared (with another request), error (unreachable).",
        units.OpsPerSecond,
        query(per_second(CACHE_REQUESTS, ("technique", "result"), STEP), "{{result}}"),
        columns=24,
    )
