"""The dashboard of the load generator: its load, and its latencies next to the services'."""

from grafana_foundation_sdk.builders.dashboard import QueryVariable, Row
from grafana_foundation_sdk.builders.timeseries import Panel as TimeSeries
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import VariableHide

from monitoring.dashboards.dashboard_frame import (
    frame,
    label_variable,
    numbered,
    technique_variable,
)
from monitoring.dashboards.panels import by_variant, dashed, logarithmic, query, time_series
from monitoring.promql import STEP, select, share, total
from monitoring.recording_rules import (
    CLIENT_EXTRA,
    CLIENT_LAG,
    CLIENT_P50,
    CLIENT_P99,
    CLIENT_RATE,
    CLIENT_TIME,
    P50,
    P99,
    TECHNIQUE,
)
from services.telemetry import LOADGEN_INTENDED_RATE, LOADGEN_REQUESTS

_CHOSEN = 'technique=~"$technique"'
_ONE = ('technique="$technique"', 'variant=~"naive|optimized"')


def load_generator() -> model.Dashboard:
    dashboard = (
        frame(
            "load-generator",
            "4 · Load generator",
            "The continuous load, and the client's latencies next to the services'.",
        )
        .with_variable(technique_variable(many=True))
        .with_variable(_processes())
        .with_row(Row("Load"))
    )
    for panel in (_rate(), _errors(), _difference(), _lag(), _time(), _cpu(), _memory()):
        dashboard = dashboard.with_panel(panel)
    dashboard = dashboard.with_row(Row("Latencies at the client and at the service"))
    for panel in (
        _client_and_server(CLIENT_P50, P50, "p50", "the last minute"),
        _client_and_server(CLIENT_P99, P99, "p99", "the last five minutes"),
    ):
        dashboard = dashboard.with_panel(panel)
    return numbered(dashboard)


def _processes() -> QueryVariable:
    return label_variable(
        "generator",
        "Generator",
        f"{LOADGEN_REQUESTS.name}",
        "instance",
        VariableHide.HIDE_VARIABLE,
    )


def _rate() -> TimeSeries:
    panel = time_series(
        "Requests sent",
        "Requests per second with a 2xx response over two minutes. The dashed line is the intended"
        " rate of an open loop; it is 0 in a closed loop, where clients wait for responses.",
        units.RequestsPerSecond,
        query(total(TECHNIQUE, select(CLIENT_RATE, _CHOSEN)), "{{technique}}"),
        query(
            total(TECHNIQUE, select(LOADGEN_INTENDED_RATE.name, _CHOSEN)),
            "{{technique}}, intended",
        ),
    )
    return dashed(panel, "intended")


def _errors() -> TimeSeries:
    panel = time_series(
        "Errors",
        "Share of the requests without a 2xx response.",
        units.PercentUnit,
        query(
            share(TECHNIQUE, LOADGEN_REQUESTS, STEP, 'outcome="error"', _CHOSEN), "{{technique}}"
        ),
    )
    return panel.axis_soft_max(0.01)


def _difference() -> TimeSeries:
    return time_series(
        "Difference between client and service",
        "Mean duration at the client minus mean duration at the service over the last five minutes:"
        " the time of the network, of a gateway and of the client itself.",
        units.Seconds,
        query(select(CLIENT_EXTRA, _CHOSEN), "{{technique}} {{variant}}"),
    )


def _lag() -> TimeSeries:
    return time_series(
        "Lag of the generator",
        "Time from the intended to the actual sending of a request, 99th percentile of the last"
        " five minutes; in a closed loop, the lateness of timers. Above 2 ms, latencies are"
        " distorted.",
        units.Seconds,
        query(select(CLIENT_LAG, _CHOSEN), "{{technique}}"),
        columns=6,
    )


def _time() -> TimeSeries:
    return time_series(
        "Share of time per technique",
        "Share of the last five minutes in which each technique got load. An unavailable technique"
        " gets none. The shares sum up to less than 100 % while the generator waits for services.",
        units.PercentUnit,
        query(select(CLIENT_TIME, _CHOSEN), "{{technique}}"),
        columns=6,
    )


def _cpu() -> TimeSeries:
    return time_series(
        "CPU of the generator",
        "Share of one core. From about 80 %, the generator measures itself: do not trust its"
        " latencies.",
        units.PercentUnit,
        query(f'rate(process_cpu_seconds_total{{instance=~"$generator"}}[{STEP}])', "{{instance}}"),
        columns=6,
    )


def _memory() -> TimeSeries:
    return time_series(
        "Memory of the generator",
        "Resident memory. It does not grow with the duration of the load.",
        units.BytesIEC,
        query('process_resident_memory_bytes{instance=~"$generator"}', "{{instance}}"),
        columns=6,
    )


def _client_and_server(client: str, server: str, quantile: str, window: str) -> TimeSeries:
    panel = time_series(
        f"${{technique:text}}, {quantile}",
        f"Duration ({quantile}) at the client and, dashed, at the service, over {window}."
        " The difference is the time between the two.",
        units.Seconds,
        query(select(client, *_ONE), "{{variant}}, client"),
        query(select(server, *_ONE), "{{variant}}, service"),
        columns=6,
    )
    repeated = panel.repeat("technique").repeat_direction("h").max_per_row(4)
    return logarithmic(by_variant(dashed(repeated, "service")))
