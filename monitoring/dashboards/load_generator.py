"""The load generator: what it sends, and whether its view agrees with the services'."""

from grafana_foundation_sdk.builders.dashboard import QueryVariable, Row
from grafana_foundation_sdk.builders.timeseries import Panel as TimeSeries
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import VariableHide

from monitoring.dashboards.frame import (
    choice_of_labels,
    choice_of_techniques,
    finished,
    frame,
)
from monitoring.dashboards.panels import dashed, query, time_series
from monitoring.promql import STEP, mean, per_second, select, share
from monitoring.recording import CLIENT_P50, CLIENT_P99, P50, P99, TECHNIQUE, VARIANT
from services.telemetry import (
    LOADGEN_REQUEST_DURATION,
    LOADGEN_REQUESTS,
    REQUEST_DURATION,
)

_CHOSEN = 'technique=~"$technique"'
_ONE = ('technique="$technique"', 'variant=~"naive|optimized"')


def load_generator() -> model.Dashboard:
    dashboard = (
        frame(
            "load-generator",
            "4 · Load generator",
            "What continuous load sends, and whether its view agrees with the services'.",
        )
        .with_variable(choice_of_techniques(many=True))
        .with_variable(_processes())
        .with_row(Row("What it sends"))
    )
    for panel in (_rate(), _errors(), _difference(), _cpu(), _memory()):
        dashboard = dashboard.with_panel(panel)
    dashboard = dashboard.with_row(Row("Its view and the services'"))
    dashboard = dashboard.with_panel(_client_and_server())
    return finished(dashboard)


def _processes() -> QueryVariable:
    return choice_of_labels(
        "generator",
        "Generator",
        f"{LOADGEN_REQUESTS.name}",
        "instance",
        VariableHide.HIDE_VARIABLE,
    )


def _rate() -> TimeSeries:
    return time_series(
        "Requests sent",
        "Requests a second that were answered well. The load is a closed loop: so many clients,"
        " each waiting for its answer; there is no rate that it intends.",
        units.RequestsPerSecond,
        query(
            per_second(LOADGEN_REQUESTS, VARIANT, "1m", _CHOSEN, 'outcome="ok"'),
            "{{technique}} {{variant}}",
        ),
    )


def _errors() -> TimeSeries:
    panel = time_series(
        "Errors",
        "Share of the requests that brought no answer, or one other than 2xx.",
        units.PercentUnit,
        query(
            share(TECHNIQUE, LOADGEN_REQUESTS, STEP, 'outcome="error"', _CHOSEN), "{{technique}}"
        ),
    )
    return panel.axis_soft_max(0.01)


def _difference() -> TimeSeries:
    seen = mean(LOADGEN_REQUEST_DURATION, VARIANT, "1m", _CHOSEN)
    took = mean(REQUEST_DURATION, VARIANT, "1m", _CHOSEN)
    return time_series(
        "Between client and service",
        "Mean duration that the client saw less the mean at the service, of the last minute: the"
        " network, the gateway where there is one, and the client itself.",
        units.Seconds,
        query(f"{seen} - {took}", "{{technique}} {{variant}}"),
    )


def _cpu() -> TimeSeries:
    return time_series(
        "CPU of the generator",
        "Of one core. From about 0.8 on its own figures are not to be trusted: it measures itself.",
        units.PercentUnit,
        query(f'rate(process_cpu_seconds_total{{instance=~"$generator"}}[{STEP}])', "{{instance}}"),
        columns=12,
    )


def _memory() -> TimeSeries:
    return time_series(
        "Memory of the generator",
        "Resident memory; it stays level however long the load runs.",
        units.BytesIEC,
        query('process_resident_memory_bytes{instance=~"$generator"}', "{{instance}}"),
        columns=12,
    )


def _client_and_server() -> TimeSeries:
    panel = time_series(
        "${technique:text}",
        "Durations as the client and as the service saw them: the median of the last minute, and"
        " dashed the 99th percentile of the last five. They differ by the way between the two.",
        units.Seconds,
        query(select(CLIENT_P50, *_ONE), "client {{variant}} p50"),
        query(select(P50, *_ONE), "server {{variant}} p50"),
        query(select(CLIENT_P99, *_ONE), "client {{variant}} p99"),
        query(select(P99, *_ONE), "server {{variant}} p99"),
    )
    repeated = panel.repeat("technique").repeat_direction("h")
    return dashed(repeated.max_per_row(3), "p99")
