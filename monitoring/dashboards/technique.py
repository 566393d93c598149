"""One technique: where its latencies fall, and what explains the difference."""

from grafana_foundation_sdk.builders.dashboard import QueryVariable, Row
from grafana_foundation_sdk.builders.heatmap import Panel as Heatmap
from grafana_foundation_sdk.builders.stat import Panel as Stat
from grafana_foundation_sdk.builders.timeseries import Panel as TimeSeries
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import DynamicConfigValue, VariableHide

from monitoring.dashboards.frame import (
    card_link,
    choice_of_labels,
    choice_of_techniques,
    finished,
    frame,
)
from monitoring.dashboards.panels import (
    by_variant,
    counting,
    dashed,
    latency_heatmap,
    logarithmic,
    query,
    speed_up,
    time_series,
)
from monitoring.promql import STEP, mean, quantile, rate, select, total
from monitoring.recording import (
    ANSWERED,
    CPU,
    ERROR_RATIO,
    MEAN_SPEEDUP,
    MECHANISM,
    P50_SPEEDUP,
    P99_SPEEDUP,
    REQUEST_RATE,
    VARIANT,
)
from services.catalog import TECHNIQUES
from services.telemetry import REQUEST_DURATION, RESPONSE_SIZE

_HERE = 'technique="$technique"'
_CHOSEN = (_HERE, 'variant=~"$variant"')
#: A service also counts its card, and paths that it does not have.
_VARIANTS = sorted({name for each in TECHNIQUES for name in each.variant_names()})
#: By the unit that a recorded mechanism carries: how Grafana writes it.
_UNITS = {"seconds": units.Seconds, "bytes": units.BytesIEC, "ratio": units.PercentUnit}


def technique() -> model.Dashboard:
    dashboard = (
        frame(
            "technique",
            "2 · Technique",
            "One technique: where its latencies fall, what it costs, and what explains it.",
        )
        .with_variable(choice_of_techniques(many=False))
        .with_variable(_variants())
        .with_variable(_mechanisms())
        .link(card_link())
        .with_row(Row("What it is worth"))
        .with_panel(_speed_up())
    )
    for panel in (_quantiles(), _throughput(), _cpu(), _errors(), _sizes(), _in_flight()):
        dashboard = dashboard.with_panel(panel)
    dashboard = dashboard.with_row(Row("Where requests fall")).with_panel(_heatmap())
    dashboard = dashboard.with_row(Row("What explains it")).with_panel(_mechanism())
    return finished(dashboard)


def _variants() -> QueryVariable:
    return choice_of_labels(
        "variant",
        "Variants",
        select(f"{REQUEST_DURATION.name}_count", _HERE),
        "variant",
        VariableHide.DONT_HIDE,
        regex=f"/^({'|'.join(_VARIANTS)})$/",
    )


def _mechanisms() -> QueryVariable:
    return choice_of_labels(
        "mechanism",
        "Mechanisms",
        select(MECHANISM, _HERE),
        "mechanism",
        VariableHide.DONT_HIDE,
    )


def _speed_up() -> Stat:
    return speed_up(
        "Speed-up over naive",
        "Latency of naive over that of the other variant: median and mean of the last minute, 99th"
        " percentile of the last five. Above 1 the technique pays, below 1 it costs.",
        query(select(P50_SPEEDUP, *_CHOSEN), "{{variant}} p50"),
        query(select(P99_SPEEDUP, *_CHOSEN), "{{variant}} p99"),
        query(select(MEAN_SPEEDUP, *_CHOSEN), "{{variant}} mean"),
        columns=8,
    )


def _quantiles() -> TimeSeries:
    panel = time_series(
        "Latency quantiles",
        "How long the service took to answer, computed from the buckets of each step of the"
        " picture; requests that failed do not count.",
        units.Seconds,
        *(
            query(
                quantile(share, REQUEST_DURATION, VARIANT, STEP, *_CHOSEN, ANSWERED),
                f"{{{{variant}}}} {name}",
            ).exemplar(True)
            for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99))
        ),
        columns=16,
    )
    return logarithmic(by_variant(dashed(dashed(panel, "p99"), "p95", 2, 4)))


def _throughput() -> TimeSeries:
    panel = time_series(
        "Requests answered",
        "Requests a second over the last two minutes; load comes to the variants in turn.",
        units.RequestsPerSecond,
        query(select(REQUEST_RATE, *_CHOSEN), "{{variant}}"),
    )
    return by_variant(panel)


def _cpu() -> TimeSeries:
    panel = time_series(
        "CPU of a request",
        "Seconds of CPU that the service spends on a request, the mean of the last minute; what"
        " the database spends is not in it.",
        units.Seconds,
        query(select(CPU, *_CHOSEN), "{{variant}}"),
    )
    return by_variant(panel)


def _errors() -> TimeSeries:
    panel = time_series(
        "Errors",
        "Share of the requests that the service failed to answer (5xx), of the last minute.",
        units.PercentUnit,
        query(select(ERROR_RATIO, *_CHOSEN), "{{variant}}"),
    )
    return by_variant(panel.axis_soft_max(0.01))


def _sizes() -> TimeSeries:
    panel = time_series(
        "Bytes of an answer",
        "Mean length of a body as sent, after compression.",
        units.BytesIEC,
        query(mean(RESPONSE_SIZE, VARIANT, STEP, *_CHOSEN), "{{variant}}"),
        columns=12,
    )
    return by_variant(panel)


def _in_flight() -> TimeSeries:
    panel = time_series(
        "Requests in flight",
        "How many requests the service is answering at a time, on average: the seconds that all"
        " requests took together, per second.",
        units.Short,
        query(total(VARIANT, rate(f"{REQUEST_DURATION.name}_sum", STEP, *_CHOSEN)), "{{variant}}"),
        columns=12,
    )
    return counting(by_variant(panel))


def _heatmap() -> Heatmap:
    buckets = rate(f"{REQUEST_DURATION.name}_bucket", STEP, _HERE, 'variant="$variant"')
    panel = latency_heatmap(
        "$variant",
        "How many requests a second took how long: a second band is a second kind of request, a"
        " cache miss say, which no quantile would show.",
        total(("le",), buckets),
    )
    return panel.repeat("variant").repeat_direction("h").max_per_row(3)


def _mechanism() -> TimeSeries:
    panel = time_series(
        "$mechanism",
        "What the service counts of its own work, over the last minute: per request, or as it is"
        " at the moment. It explains the speed-up, or shows why there is none.",
        units.Short,
        query(
            select(MECHANISM, _HERE, 'mechanism="$mechanism"'),
            "{{variant}} {{part}} {{figure}} ({{unit}})",
        ),
    )
    for name, unit in _UNITS.items():
        written = [DynamicConfigValue(id_val="unit", value=unit)]
        panel = panel.override_by_regexp(rf"/\({name}\)$/", written)
    panel = counting(dashed(panel, r"p99 \(seconds\)"))
    return panel.repeat("mechanism").repeat_direction("h").max_per_row(3)
