"""The gateway: rate, errors and duration by the service behind it."""

from grafana_foundation_sdk.builders.dashboard import Row
from grafana_foundation_sdk.builders.timeseries import Panel as TimeSeries
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models import units

from monitoring.dashboards.frame import choice_of_techniques, finished, frame
from monitoring.dashboards.panels import counting, dashed, logarithmic, query, time_series
from monitoring.promql import STEP, per_second, rate, select, share, total
from monitoring.recording import (
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
_ITSELF = 'technique="gateway"'


def gateway() -> model.Dashboard:
    dashboard = (
        frame(
            "gateway",
            "3 · Gateway",
            "Rate, errors and duration by the service behind the gateway, and what it adds.",
        )
        .with_variable(choice_of_techniques(many=True))
        .with_row(Row("By the service behind it"))
    )
    for panel in (_requests(), _errors(), _latency(), _overhead(), _replicas(), _retries()):
        dashboard = dashboard.with_panel(panel)
    dashboard = dashboard.with_row(Row("The gateway itself"))
    for panel in (_statuses(), _bytes(), _cpu(), _in_flight(), _lag()):
        dashboard = dashboard.with_panel(panel)
    return finished(dashboard)


def _requests() -> TimeSeries:
    return time_series(
        "Requests",
        "Requests a second that the gateway answered, by the service that it asked.",
        units.RequestsPerSecond,
        query(per_second(GATEWAY_REQUEST_DURATION, TECHNIQUE, STEP, _CHOSEN), "{{technique}}"),
    )


def _errors() -> TimeSeries:
    panel = time_series(
        "Errors",
        "Share of the requests answered with 5xx: by the service, or by the gateway since the"
        " service is out of reach.",
        units.PercentUnit,
        query(share(TECHNIQUE, GATEWAY_REQUEST_DURATION, STEP, FAILED, _CHOSEN), "{{technique}}"),
    )
    return panel.axis_soft_max(0.01)


def _latency() -> TimeSeries:
    panel = time_series(
        "Duration",
        "From a request's arrival at the gateway to the last byte of its answer: the median of the"
        " last minute, and dashed the 99th percentile of the last five.",
        units.Seconds,
        query(select(GATEWAY_P50, _CHOSEN), "{{technique}} p50"),
        query(select(GATEWAY_P99, _CHOSEN), "{{technique}} p99"),
    )
    return logarithmic(dashed(panel, "p99"))


def _overhead() -> TimeSeries:
    return time_series(
        "What the gateway adds",
        "Mean duration at the gateway less that at the service, of the last five minutes, averaged"
        " over the variants. It means something while all requests come through the gateway.",
        units.Seconds,
        query(select(GATEWAY_EXTRA, _CHOSEN), "{{technique}}"),
    )


def _replicas() -> TimeSeries:
    panel = time_series(
        "Replicas",
        "Addresses that a service's name leads to, and that get its requests in turn.",
        units.Short,
        query(select(GATEWAY_REPLICAS.name, _CHOSEN), "{{technique}}"),
    )
    return counting(panel.decimals(0))


def _retries() -> TimeSeries:
    panel = time_series(
        "Requests sent to another replica",
        "Requests a second that a replica refused, and that the next one was asked.",
        units.RequestsPerSecond,
        query(per_second(GATEWAY_RETRIES, TECHNIQUE, STEP, _CHOSEN), "{{technique}}"),
    )
    return counting(panel)


def _statuses() -> TimeSeries:
    by = ("http_response_status_code",)
    return time_series(
        "Answers by status",
        "Answers a second by status code, those to paths that lead nowhere included.",
        units.RequestsPerSecond,
        query(per_second(GATEWAY_REQUEST_DURATION, by, STEP), "{{http_response_status_code}}"),
        columns=6,
    )


def _bytes() -> TimeSeries:
    bytes_a_second = total(TECHNIQUE, rate(f"{GATEWAY_RESPONSE_SIZE.name}_sum", STEP, _CHOSEN))
    return time_series(
        "Bytes passed back",
        "Bytes of bodies a second, as they came from the services: never decompressed.",
        units.BytesPerSecondIEC,
        query(bytes_a_second, "{{technique}}"),
        columns=6,
    )


def _cpu() -> TimeSeries:
    return time_series(
        "CPU of a request",
        "Seconds of CPU that passing a request on takes, the mean of the last minute.",
        units.Seconds,
        query(select(GATEWAY_CPU, _CHOSEN), "{{technique}}"),
        columns=4,
    )


def _in_flight() -> TimeSeries:
    panel = time_series(
        "Requests in flight",
        "Requests that the gateway is answering at the moment of the scrape.",
        units.Short,
        query(select(ACTIVE_REQUESTS.name, _ITSELF), "{{instance}}"),
        columns=4,
    )
    return counting(panel)


def _lag() -> TimeSeries:
    return time_series(
        "Event loop lag, p99",
        "By how much a timer fires late, of the last five minutes: every request waits as long.",
        units.Seconds,
        query(select(LAG, _ITSELF), "gateway"),
        columns=4,
    )
