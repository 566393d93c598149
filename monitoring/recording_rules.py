"""Recording rules: series that dashboards and alerts use often, computed once by Prometheus.

Names are level:metric:operations and end with the window. A window of one minute is enough for a
median. A p99 needs five minutes: in one minute, too few requests of a slow variant are above the
p99. Rates need two minutes, because continuous load reaches each variant only three or four times a
minute.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from monitoring.mechanisms import mechanisms
from monitoring.promql import mean, per_second, quantile, share, total
from services.catalog import TECHNIQUES
from services.telemetry import (
    EVENT_LOOP_LAG,
    GATEWAY_REQUEST_CPU,
    GATEWAY_REQUEST_DURATION,
    LOADGEN_ACTIVE,
    LOADGEN_LAG,
    LOADGEN_REQUEST_DURATION,
    LOADGEN_REQUESTS,
    REQUEST_CPU,
    REQUEST_DURATION,
    Metric,
)

TECHNIQUE = ("technique",)
VARIANT = ("technique", "variant")
ANSWERED = 'http_response_status_code=~"2.."'
FAILED = 'http_response_status_code=~"5.."'
#: Windows of the error ratios, from the fastest burn rate to the slowest.
ERROR_WINDOWS = ("5m", "30m", "1h", "6h")

#: The variants whose speed-up over naive is computed.
_COMPARED = sorted(
    {name for each in TECHNIQUES for name in each.variant_names() if name != "naive"}
)


@dataclass(frozen=True, slots=True)
class Recording:
    """A series that Prometheus computes at each evaluation interval."""

    name: str
    expression: str
    labels: dict[str, str] = field(default_factory=dict)


def _name(level: tuple[str, ...], metric: Metric | str, operations: str) -> str:
    named = metric if isinstance(metric, str) else metric.name
    return f"{'_'.join(level)}:{named}:{operations}"


P50 = _name(VARIANT, REQUEST_DURATION, "p50_rate1m")
P99 = _name(VARIANT, REQUEST_DURATION, "p99_rate5m")
MEAN = _name(VARIANT, REQUEST_DURATION, "mean_rate1m")
P50_SPEEDUP = _name(VARIANT, REQUEST_DURATION, "p50_speedup1m")
P99_SPEEDUP = _name(VARIANT, REQUEST_DURATION, "p99_speedup5m")
MEAN_SPEEDUP = _name(VARIANT, REQUEST_DURATION, "mean_speedup1m")
REQUEST_RATE = _name(VARIANT, "http_server_requests", "rate2m")
ERROR_RATIO = _name(VARIANT, "http_server_requests", "error_ratio_rate1m")
CPU = _name(VARIANT, REQUEST_CPU, "mean_rate1m")
LAG = _name(TECHNIQUE, EVENT_LOOP_LAG, "p99_rate5m")
MECHANISM = _name(VARIANT, "mechanism", "rate1m")
GATEWAY_P50 = _name(TECHNIQUE, GATEWAY_REQUEST_DURATION, "p50_rate1m")
GATEWAY_P99 = _name(TECHNIQUE, GATEWAY_REQUEST_DURATION, "p99_rate5m")
GATEWAY_CPU = _name(TECHNIQUE, GATEWAY_REQUEST_CPU, "mean_rate1m")
GATEWAY_EXTRA = _name(TECHNIQUE, GATEWAY_REQUEST_DURATION, "mean_less_service5m")
CLIENT_RATE = _name(VARIANT, "loadgen_requests", "rate2m")
CLIENT_EXTRA = _name(VARIANT, LOADGEN_REQUEST_DURATION, "mean_less_service5m")
CLIENT_P50 = _name(VARIANT, LOADGEN_REQUEST_DURATION, "p50_rate1m")
CLIENT_P99 = _name(VARIANT, LOADGEN_REQUEST_DURATION, "p99_rate5m")
CLIENT_LAG = _name(TECHNIQUE, LOADGEN_LAG, "p99_rate5m")
CLIENT_TIME = _name(TECHNIQUE, LOADGEN_ACTIVE, "avg5m")


def error_ratio(window: str) -> str:
    """The name of the series with a technique's share of failed requests."""
    return _name(TECHNIQUE, "http_server_requests", f"error_ratio_rate{window}")


def groups() -> dict[str, list[Recording]]:
    """All rules by group. A rule comes after the rules whose series it reads."""
    return {
        "latency": list(_latency()),
        "requests": list(_requests()),
        "mechanisms": list(_mechanisms()),
        "errors": list(_errors()),
        "gateway-and-load-generator": list(_outside()),
    }


def _latency() -> Iterator[Recording]:
    duration = (REQUEST_DURATION, VARIANT)
    yield Recording(P50, quantile(0.5, *duration, "1m", ANSWERED))
    yield Recording(P99, quantile(0.99, *duration, "5m", ANSWERED))
    yield Recording(MEAN, mean(*duration, "1m", ANSWERED))
    yield Recording(P50_SPEEDUP, _speedup(P50))
    yield Recording(P99_SPEEDUP, _speedup(P99))
    yield Recording(MEAN_SPEEDUP, _speedup(MEAN))


def _speedup(series: str) -> str:
    """Naive divided by each other variant: above 1, the variant is faster."""
    others = "|".join(_COMPARED)
    return (
        f'{series}{{variant="naive"}} / on (technique) group_right ()'
        f' {series}{{variant=~"{others}"}}'
    )


def _requests() -> Iterator[Recording]:
    yield Recording(REQUEST_RATE, per_second(REQUEST_DURATION, VARIANT, "2m"))
    yield Recording(ERROR_RATIO, share(VARIANT, REQUEST_DURATION, "1m", FAILED))
    yield Recording(CPU, mean(REQUEST_CPU, VARIANT, "1m"))
    yield Recording(LAG, quantile(0.99, EVENT_LOOP_LAG, TECHNIQUE, "5m"))


def _mechanisms() -> Iterator[Recording]:
    for each in mechanisms():
        # The comparison drops NaN, such as the quantile of a histogram without observations.
        yield Recording(MECHANISM, f"{each.expression} >= 0", each.labels)


def _errors() -> Iterator[Recording]:
    for window in ERROR_WINDOWS:
        ratio = share(TECHNIQUE, REQUEST_DURATION, window, FAILED)
        yield Recording(error_ratio(window), ratio)


def _outside() -> Iterator[Recording]:
    gateway = (GATEWAY_REQUEST_DURATION, TECHNIQUE)
    yield Recording(GATEWAY_P50, quantile(0.5, *gateway, "1m", ANSWERED))
    yield Recording(GATEWAY_P99, quantile(0.99, *gateway, "5m", ANSWERED))
    yield Recording(GATEWAY_CPU, mean(GATEWAY_REQUEST_CPU, TECHNIQUE, "1m"))
    # Subtract per variant: gateway and service may see different mixes of variants.
    service_mean = mean(REQUEST_DURATION, VARIANT, "5m", ANSWERED)
    added_by_gateway = f"{mean(GATEWAY_REQUEST_DURATION, VARIANT, '5m', ANSWERED)} - {service_mean}"
    yield Recording(GATEWAY_EXTRA, f"avg by (technique) ({added_by_gateway})")
    client = (LOADGEN_REQUEST_DURATION, VARIANT)
    yield Recording(CLIENT_RATE, per_second(LOADGEN_REQUESTS, VARIANT, "2m", 'outcome="ok"'))
    yield Recording(CLIENT_EXTRA, f"{mean(*client, '5m')} - {service_mean}")
    yield Recording(CLIENT_P50, quantile(0.5, *client, "1m"))
    yield Recording(CLIENT_P99, quantile(0.99, *client, "5m"))
    yield Recording(CLIENT_LAG, quantile(0.99, LOADGEN_LAG, TECHNIQUE, "5m"))
    active_share = f"avg_over_time({LOADGEN_ACTIVE.name}[5m])"
    yield Recording(CLIENT_TIME, total(TECHNIQUE, active_share))
