"""Naive and optimized side by side: every technique a row."""

from grafana_foundation_sdk.builders.dashboard import Row
from grafana_foundation_sdk.builders.stat import Panel as Stat
from grafana_foundation_sdk.builders.timeseries import Panel as TimeSeries
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models import units

from monitoring.dashboards.frame import (
    card_link,
    choice_of_techniques,
    details_link,
    finished,
    frame,
)
from monitoring.dashboards.panels import (
    by_variant,
    dashed,
    logarithmic,
    query,
    speed_up,
    time_series,
)
from monitoring.dashboards.summary import summary
from monitoring.promql import select
from monitoring.recording import CPU, ERROR_RATIO, P50, P50_SPEEDUP, P99, P99_SPEEDUP, REQUEST_RATE

_HERE = 'technique="$technique"'
_BOTH = 'variant=~"naive|optimized"'


def overview() -> model.Dashboard:
    dashboard = (
        frame(
            "overview",
            "1 · Overview",
            "What each technique is worth here and now: naive and optimized side by side.",
        )
        .with_variable(choice_of_techniques(many=True))
        .with_panel(summary())
        .with_row(Row("${technique:text}").repeat("technique"))
        .with_panel(_speed_up())
    )
    for panel in (_latency(), _throughput(), _cpu(), _errors()):
        dashboard = dashboard.with_panel(panel)
    return finished(dashboard)


def _speed_up() -> Stat:
    panel = speed_up(
        "Speed-up",
        "Latency of naive over that of optimized: the median of the last minute and the 99th"
        " percentile of the last five. Above 1 the technique pays, below 1 it costs.",
        query(select(P50_SPEEDUP, _HERE, 'variant="optimized"'), "p50"),
        query(select(P99_SPEEDUP, _HERE, 'variant="optimized"'), "p99"),
        columns=4,
    )
    return panel.links([details_link(), card_link()])


def _latency() -> TimeSeries:
    panel = time_series(
        "Latency",
        "How long the service took to answer: the median of the last minute, and dashed the 99th"
        " percentile of the last five. Requests that failed do not count.",
        units.Seconds,
        query(select(P50, _HERE, _BOTH), "{{variant}} p50"),
        query(select(P99, _HERE, _BOTH), "{{variant}} p99"),
        columns=8,
    )
    return logarithmic(by_variant(dashed(panel, "p99")))


def _throughput() -> TimeSeries:
    panel = time_series(
        "Requests answered",
        "Requests a second over the last two minutes. Continuous load sends to one variant at a"
        " time with a fixed number of clients, so that a faster one answers more in its turn.",
        units.RequestsPerSecond,
        query(select(REQUEST_RATE, _HERE, _BOTH), "{{variant}}"),
        columns=4,
    )
    return by_variant(panel)


def _cpu() -> TimeSeries:
    panel = time_series(
        "CPU of a request",
        "Seconds of CPU that the service spends on a request, the mean of the last minute; what"
        " the database spends is not in it.",
        units.Seconds,
        query(select(CPU, _HERE, _BOTH), "{{variant}}"),
        columns=4,
    )
    return by_variant(panel)


def _errors() -> TimeSeries:
    panel = time_series(
        "Errors",
        "Share of the requests that the service failed to answer (5xx), of the last minute.",
        units.PercentUnit,
        query(select(ERROR_RATIO, _HERE, _BOTH), "{{variant}}"),
        columns=4,
    )
    return by_variant(panel.axis_soft_max(0.01))
