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
from monitoring.dashboards.panels import by_variant, dashed, logarithmic, query, time_series
from monitoring.promql import STEP, select, share, total
from monitoring.recording import (
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
            "What continuous load sends, and whether its view agrees with the services'.",
        )
        .with_variable(choice_of_techniques(many=True))
        .with_variable(_processes())
        .with_row(Row("What it sends"))
    )
    for panel in (_rate(), _errors(), _difference(), _lag(), _time(), _cpu(), _memory()):
        dashboard = dashboard.with_panel(panel)
    dashboard = dashboard.with_row(Row("Its view and the services'"))
    for panel in (
        _client_and_server(CLIENT_P50, P50, "p50", "the last minute"),
        _client_and_server(CLIENT_P99, P99, "p99", "the last five minutes"),
    ):
        dashboard = dashboard.with_panel(panel)
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
    panel = time_series(
        "Requests sent",
        "Requests a second that were answered well, over two minutes, and dashed what an open loop"
        " intends. In a closed one, so many clients each waiting for its answer, that is 0.",
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
        "Share of the requests that brought no answer, or one other than 2xx.",
        units.PercentUnit,
        query(
            share(TECHNIQUE, LOADGEN_REQUESTS, STEP, 'outcome="error"', _CHOSEN), "{{technique}}"
        ),
    )
    return panel.axis_soft_max(0.01)


def _difference() -> TimeSeries:
    return time_series(
        "Between client and service",
        "Mean duration that the client saw less that at the service, of the last five minutes: the"
        " network, the gateway where there is one, and the client itself.",
        units.Seconds,
        query(select(CLIENT_EXTRA, _CHOSEN), "{{technique}} {{variant}}"),
    )


def _lag() -> TimeSeries:
    return time_series(
        "Lateness of the generator",
        "How much later than intended it sent, 99th percentile of the last five minutes; in a"
        " closed loop how late its timers were. More than a millisecond or two is in its figures.",
        units.Seconds,
        query(select(CLIENT_LAG, _CHOSEN), "{{technique}}"),
        columns=6,
    )


def _time() -> TimeSeries:
    return time_series(
        "What is being driven",
        "Share of the time, of the last five minutes, in which the slot was a technique's. One that"
        " is away has none; together less than all of it where services are waited for.",
        units.PercentUnit,
        query(select(CLIENT_TIME, _CHOSEN), "{{technique}}"),
        columns=6,
    )


def _cpu() -> TimeSeries:
    return time_series(
        "CPU of the generator",
        "Of one core. From about 0.8 on its own figures are not to be trusted: it measures itself.",
        units.PercentUnit,
        query(f'rate(process_cpu_seconds_total{{instance=~"$generator"}}[{STEP}])', "{{instance}}"),
        columns=6,
    )


def _memory() -> TimeSeries:
    return time_series(
        "Memory of the generator",
        "Resident memory; it stays level however long the load runs.",
        units.BytesIEC,
        query('process_resident_memory_bytes{instance=~"$generator"}', "{{instance}}"),
        columns=6,
    )


def _client_and_server(client: str, server: str, quantile: str, window: str) -> TimeSeries:
    panel = time_series(
        f"${{technique:text}}, {quantile}",
        f"Duration ({quantile}) as the client and, dashed, as the service saw it, over {window}."
        " They differ by the way between the two.",
        units.Seconds,
        query(select(client, *_ONE), "{{variant}}, client"),
        query(select(server, *_ONE), "{{variant}}, service"),
        columns=6,
    )
    repeated = panel.repeat("technique").repeat_direction("h").max_per_row(4)
    return logarithmic(by_variant(dashed(repeated, "service")))
