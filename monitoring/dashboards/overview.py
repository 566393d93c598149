"""The overview dashboard: a table of all techniques, and a row of panels for each."""

from grafana_foundation_sdk.builders.dashboard import Row
from grafana_foundation_sdk.builders.stat import Panel as Stat
from grafana_foundation_sdk.builders.timeseries import Panel as TimeSeries
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models import units

from monitoring.dashboards.dashboard_frame import (
    card_link,
    details_link,
    frame,
    numbered,
    technique_variable,
)
from monitoring.dashboards.panels import (
    by_variant,
    dashed,
    logarithmic,
    query,
    speed_up,
    time_series,
)
from monitoring.dashboards.speedup_table import speedup_table
from monitoring.promql import select
from monitoring.recording_rules import (
    CPU,
    ERROR_RATIO,
    P50,
    P50_SPEEDUP,
    P99,
    P99_SPEEDUP,
    REQUEST_RATE,
)

_TECHNIQUE = 'technique="$technique"'
_TWO_VARIANTS = 'variant=~"naive|optimized"'


def overview() -> model.Dashboard:
    dashboard = (
        frame(
            "overview",
            "1 · Overview",
            "Naive and optimized of each technique side by side.",
        )
        .with_variable(technique_variable(many=True))
        .with_panel(speedup_table())
        .with_row(Row("${technique:text}").repeat("technique"))
        .with_panel(_speed_up())
    )
    for panel in (_latency(), _throughput(), _cpu(), _errors()):
        dashboard = dashboard.with_panel(panel)
    return numbered(dashboard)


def _speed_up() -> Stat:
    panel = speed_up(
        "Speed-up",
        "Latency of naive divided by that of optimized: the median of the last minute and the 99th"
        " percentile of the last five minutes. Above 1, the technique makes requests faster.",
        query(select(P50_SPEEDUP, _TECHNIQUE, 'variant="optimized"'), "p50"),
        query(select(P99_SPEEDUP, _TECHNIQUE, 'variant="optimized"'), "p99"),
        columns=4,
    )
    return panel.links([details_link(), card_link()])


def _latency() -> TimeSeries:
    panel = time_series(
        "Latency",
        "Duration of requests at the service: the median of the last minute and, dashed, the 99th"
        " percentile of the last five minutes. Failed requests do not count.",
        units.Seconds,
        query(select(P50, _TECHNIQUE, _TWO_VARIANTS), "{{variant}} p50"),
        query(select(P99, _TECHNIQUE, _TWO_VARIANTS), "{{variant}} p99"),
        columns=8,
    )
    return logarithmic(by_variant(dashed(panel, "p99")))


def _throughput() -> TimeSeries:
    panel = time_series(
        "Requests answered",
        "Requests per second over the last two minutes. The continuous load uses a fixed number of"
        " clients for one variant at a time, so a faster variant gets more requests.",
        units.RequestsPerSecond,
        query(select(REQUEST_RATE, _TECHNIQUE, _TWO_VARIANTS), "{{variant}}"),
        columns=4,
    )
    return by_variant(panel)


def _cpu() -> TimeSeries:
    panel = time_series(
        "CPU of a request",
        "CPU seconds of the service per request, mean of the last minute, without the CPU time of"
        " the database.",
        units.Seconds,
        query(select(CPU, _TECHNIQUE, _TWO_VARIANTS), "{{variant}}"),
        columns=4,
    )
    return by_variant(panel)


def _errors() -> TimeSeries:
    panel = time_series(
        "Errors",
        "Share of the requests with a 5xx response over the last minute.",
        units.PercentUnit,
        query(select(ERROR_RATIO, _TECHNIQUE, _TWO_VARIANTS), "{{variant}}"),
        columns=4,
    )
    return by_variant(panel.axis_soft_max(0.01))
