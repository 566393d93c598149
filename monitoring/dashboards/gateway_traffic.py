"""The dashboard of the gateway: rate, errors and duration by service."""

from grafana_foundation_sdk.builders.dashboard import Row
from grafana_foundation_sdk.builders.timeseries import Panel as TimeSeries
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models import units

from monitoring.dashboards.dashboard_frame import frame, numbered, technique_variable
from monitoring.dashboards.panels import dashed, logarithmic, query, time_series, with_unit_axis
from monitoring.promql import STEP, per_second, rate, select, share, total
from monitoring.recording_rules import (
    FAILED,
    GATEWAY_CPU,
    GATEWAY_EXTRA,
    GATEWAY_P50,
    GATEWAY_P99,
    LAG,
    TECHNIQUE,
)
from services.telemetry import (
    ACTIVE_REQUESTS,
    GATEWAY_REPLICAS,
    GATEWAY_REQUEST_DURATION,
    GATEWAY_RESPONSE_SIZE,
    GATEWAY_RETRIES,
)

_CHOSEN = 'technique=~"$technique"'
_GATEWAY = 'technique="gateway"'


def gateway_traffic() -> model.Dashboard:
    dashboard = (
        frame(
            "gateway",
            "3 · Gateway",
            "Rate, errors and duration by service, and the time that the gateway adds.",
        )
        .with_variable(technique_variable(many=True))
        .with_row(Row("By service"))
    )
    for panel in (_requests(), _errors(), _latency(), _overhead(), _replicas(), _retries()):
        dashboard = dashboard.with_panel(panel)
    dashboard = dashboard.with_row(Row("The gateway itself"))
    for panel in (_statuses(), _bytes(), _cpu(), _in_flight(), _lag()):
        dashboard = dashboard.with_panel(panel)
    return numbered(dashboard)


def _requests() -> TimeSeries:
    return time_series(
        "Requests",
        "Requests per second at the gateway, by service.",
        units.RequestsPerSecond,
        query(per_second(GATEWAY_REQUEST_DURATION, TECHNIQUE, STEP, _CHOSEN), "{{technique}}"),
    )


def _errors() -> TimeSeries:
    panel = time_series(
        "Errors",
        "Share of the requests with a 5xx response, from the service, or from the gateway if the"
        " service is unreachable.",
        units.PercentUnit,
        query(share(TECHNIQUE, GATEWAY_REQUEST_DURATION, STEP, FAILED, _CHOSEN), "{{technique}}"),
    )
    return panel.axis_soft_max(0.01)


def _latency() -> TimeSeries:
    panel = time_series(
        "Duration",
        "Time from the arrival of a request to the last byte of its response: the median of the"
        " last minute and, dashed, the 99th percentile of the last five minutes.",
        units.Seconds,
        query(select(GATEWAY_P50, _CHOSEN), "{{technique}} p50"),
        query(select(GATEWAY_P99, _CHOSEN), "{{technique}} p99"),
    )
    return logarithmic(dashed(panel, "p99"))


def _overhead() -> TimeSeries:
    return time_series(
        "Time added by the gateway",
        "Mean duration at the gateway minus mean duration at the service over the last five"
        " minutes, averaged over the variants. Valid only while all requests pass the gateway.",
        units.Seconds,
        query(select(GATEWAY_EXTRA, _CHOSEN), "{{technique}}"),
    )


def _replicas() -> TimeSeries:
    panel = time_series(
        "Replicas",
        "Addresses of each service's name. They get the requests in turn.",
        units.Short,
        query(select(GATEWAY_REPLICAS.name, _CHOSEN), "{{technique}}"),
    )
    return with_unit_axis(panel.decimals(0))


def _retries() -> TimeSeries:
    panel = time_series(
        "Retries at another replica",
        "Requests per second that one replica refused and the gateway sent to another one.",
        units.RequestsPerSecond,
        query(per_second(GATEWAY_RETRIES, TECHNIQUE, STEP, _CHOSEN), "{{technique}}"),
    )
    return with_unit_axis(panel)


def _statuses() -> TimeSeries:
    by = ("http_response_status_code",)
    return time_series(
        "Responses by status",
        "Responses per second by status code, including unknown paths.",
        units.RequestsPerSecond,
        query(per_second(GATEWAY_REQUEST_DURATION, by, STEP), "{{http_response_status_code}}"),
        columns=6,
    )


def _bytes() -> TimeSeries:
    bytes_per_second = total(TECHNIQUE, rate(f"{GATEWAY_RESPONSE_SIZE.name}_sum", STEP, _CHOSEN))
    return time_series(
        "Bytes of responses",
        "Body bytes per second, as received from the services. The gateway does not decompress.",
        units.BytesPerSecondIEC,
        query(bytes_per_second, "{{technique}}"),
        columns=6,
    )


def _cpu() -> TimeSeries:
    return time_series(
        "CPU of a request",
        "CPU seconds of the gateway per request, mean of the last minute.",
        units.Seconds,
        query(select(GATEWAY_CPU, _CHOSEN), "{{technique}}"),
        columns=4,
    )


def _in_flight() -> TimeSeries:
    panel = time_series(
        "Requests in flight",
        "Requests that the gateway handles at the instant of the scrape.",
        units.Short,
        query(select(ACTIVE_REQUESTS.name, _GATEWAY), "{{instance}}"),
        columns=4,
    )
    return with_unit_axis(panel)


def _lag() -> TimeSeries:
    return time_series(
        "Event loop lag, p99",
        "Lateness of a timer over the last five minutes. Every request waits as long.",
        units.Seconds,
        query(select(LAG, _GATEWAY), "gateway"),
        columns=4,
    )
