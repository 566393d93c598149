"""The dashboard of one technique: latencies, costs, and the mechanisms behind them."""

from grafana_foundation_sdk.builders.dashboard import QueryVariable, Row
from grafana_foundation_sdk.builders.heatmap import Panel as Heatmap
from grafana_foundation_sdk.builders.stat import Panel as Stat
from grafana_foundation_sdk.builders.timeseries import Panel as TimeSeries
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import DynamicConfigValue, VariableHide

from monitoring.dashboards.dashboard_frame import (
    card_link,
    frame,
    label_variable,
    numbered,
    technique_variable,
)
from monitoring.dashboards.panels import (
    by_variant,
    dashed,
    latency_heatmap,
    logarithmic,
    query,
    speed_up,
    time_series,
    with_unit_axis,
)
from monitoring.promql import STEP, mean, quantile, rate, select, total
from monitoring.recording_rules import (
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

_TECHNIQUE = 'technique="$technique"'
_CHOSEN = (_TECHNIQUE, 'variant=~"$variant"')
#: The label also has other values: a service counts requests for its card and for unknown paths.
_VARIANTS = sorted({name for each in TECHNIQUES for name in each.variant_names()})
#: Grafana's unit by the unit label of a recorded mechanism.
_UNITS = {"seconds": units.Seconds, "bytes": units.BytesIEC, "ratio": units.PercentUnit}


def technique_details() -> model.Dashboard:
    dashboard = (
        frame(
            "technique",
            "2 · Technique",
            "One technique: its latencies, its costs, and the mechanisms that explain them.",
        )
        .with_variable(technique_variable(many=False))
        .with_variable(_variants())
        .with_variable(_mechanisms())
        .link(card_link())
        .with_row(Row("Benefit and cost"))
        .with_panel(_speed_up())
    )
    for panel in (_quantiles(), _throughput(), _cpu(), _errors(), _sizes(), _in_flight()):
        dashboard = dashboard.with_panel(panel)
    dashboard = dashboard.with_row(Row("Distribution of latencies")).with_panel(_heatmap())
    dashboard = dashboard.with_row(Row("Mechanisms")).with_panel(_mechanism())
    return numbered(dashboard)


def _variants() -> QueryVariable:
    return label_variable(
        "variant",
        "Variants",
        select(f"{REQUEST_DURATION.name}_count", _TECHNIQUE),
        "variant",
        VariableHide.DONT_HIDE,
        regex=f"/^({'|'.join(_VARIANTS)})$/",
    )


def _mechanisms() -> QueryVariable:
    return label_variable(
        "mechanism",
        "Mechanisms",
        select(MECHANISM, _TECHNIQUE),
        "mechanism",
        VariableHide.DONT_HIDE,
    )


def _speed_up() -> Stat:
    return speed_up(
        "Speed-up over naive",
        "Latency of naive divided by that of the other variant: median and mean of the last minute,"
        " 99th percentile of the last five minutes. Above 1, the technique makes requests faster.",
        query(select(P50_SPEEDUP, *_CHOSEN), "{{variant}} p50"),
        query(select(P99_SPEEDUP, *_CHOSEN), "{{variant}} p99"),
        query(select(MEAN_SPEEDUP, *_CHOSEN), "{{variant}} mean"),
        columns=8,
    )


def _quantiles() -> TimeSeries:
    panel = time_series(
        "Latency quantiles",
        "Duration of requests at the service, computed from the buckets of each step of the graph."
        " Failed requests do not count.",
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
        "Requests per second over the last two minutes. The variants get their load in turn.",
        units.RequestsPerSecond,
        query(select(REQUEST_RATE, *_CHOSEN), "{{variant}}"),
    )
    return by_variant(panel)


def _cpu() -> TimeSeries:
    panel = time_series(
        "CPU of a request",
        "CPU seconds of the service per request, mean of the last minute, without the CPU time of"
        " the database.",
        units.Seconds,
        query(select(CPU, *_CHOSEN), "{{variant}}"),
    )
    return by_variant(panel)


def _errors() -> TimeSeries:
    panel = time_series(
        "Errors",
        "Share of the requests with a 5xx response over the last minute.",
        units.PercentUnit,
        query(select(ERROR_RATIO, *_CHOSEN), "{{variant}}"),
    )
    return by_variant(panel.axis_soft_max(0.01))


def _sizes() -> TimeSeries:
    panel = time_series(
        "Bytes of a response",
        "Mean length of a body after compression.",
        units.BytesIEC,
        query(mean(RESPONSE_SIZE, VARIANT, STEP, *_CHOSEN), "{{variant}}"),
        columns=12,
    )
    return by_variant(panel)


def _in_flight() -> TimeSeries:
    panel = time_series(
        "Requests in flight",
        "Mean number of requests that the service handles at the same time: the total duration of"
        " all requests per second.",
        units.Short,
        query(total(VARIANT, rate(f"{REQUEST_DURATION.name}_sum", STEP, *_CHOSEN)), "{{variant}}"),
        columns=12,
    )
    return with_unit_axis(by_variant(panel))


def _heatmap() -> Heatmap:
    buckets = rate(f"{REQUEST_DURATION.name}_bucket", STEP, _TECHNIQUE, 'variant="$variant"')
    panel = latency_heatmap(
        "$variant",
        "Requests per second by duration. A second band shows a second kind of request, such as"
        " cache misses, which no quantile shows.",
        total(("le",), buckets),
    )
    return panel.repeat("variant").repeat_direction("h").max_per_row(3)


def _mechanism() -> TimeSeries:
    panel = time_series(
        "$mechanism",
        "A figure that the service counts itself, per request over the last minute, or its present"
        " value. It explains why there is a speed-up or none.",
        units.Short,
        query(
            select(MECHANISM, _TECHNIQUE, 'mechanism="$mechanism"'),
            "{{variant}} {{part}} {{figure}} ({{unit}})",
        ),
    )
    for name, unit in _UNITS.items():
        properties = [DynamicConfigValue(id_val="unit", value=unit)]
        panel = panel.override_by_regexp(rf"/\({name}\)$/", properties)
    panel = with_unit_axis(dashed(panel, r"p99 \(seconds\)"))
    return panel.repeat("mechanism").repeat_direction("h").max_per_row(3)
