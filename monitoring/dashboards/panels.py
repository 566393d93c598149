"""Builders of panels with the settings that all panels of the lab share."""

from collections.abc import Sequence
from string import ascii_uppercase

from grafana_foundation_sdk.builders import heatmap, stat
from grafana_foundation_sdk.builders.common import (
    ReduceDataOptions,
    ScaleDistributionConfig,
    VizLegendOptions,
    VizTooltipOptions,
)
from grafana_foundation_sdk.builders.dashboard import FieldColor, ThresholdsConfig
from grafana_foundation_sdk.builders.prometheus import Dataquery as Query
from grafana_foundation_sdk.builders.timeseries import Panel as TimeSeries
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.common import (
    BigValueColorMode,
    BigValueGraphMode,
    DataSourceRef,
    LegendDisplayMode,
    LegendPlacement,
    ScaleDistribution,
    SortOrder,
    TooltipDisplayMode,
    VisibilityMode,
)
from grafana_foundation_sdk.models.dashboard import (
    DynamicConfigValue,
    FieldColorModeId,
    Threshold,
    ThresholdsMode,
)
from grafana_foundation_sdk.models.heatmap import HeatmapColorMode
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

#: The data source of monitoring/grafana/provisioning.
DATA_SOURCE = DataSourceRef(type_val="prometheus", uid="prometheus")

#: The unit of a speed-up.
SPEED_UP = "suffix:×"
#: Lower end of the axis of durations. A logarithmic axis has no zero.
_MINIMUM_SECONDS = 0.0001
#: Colours of variants, the same in every graph.
COLOURS = {"naive": "orange", "optimized": "blue", "offset": "purple"}


def query(expression: str, legend: str = "") -> Query:
    return Query().expr(expression).legend_format(legend or "__auto").range()


def instant(expression: str) -> Query:
    """A query for a table: one row per series."""
    return Query().expr(expression).instant().format(PromQueryFormat.TABLE)


def with_references(queries: Sequence[Query]) -> list[Builder[Dataquery]]:
    """Name the queries A, B, C. Otherwise Grafana generates names at each load."""
    return [
        each.ref_id(letter).datasource(DATA_SOURCE)
        for letter, each in zip(ascii_uppercase, queries, strict=False)
    ]


def time_series(
    title: str, description: str, unit: str, *queries: Query, columns: int = 8, rows: int = 8
) -> TimeSeries:
    """A graph over time. The dashboard is 24 columns wide."""
    return (
        TimeSeries()
        .title(title)
        .description(description)
        .unit(unit)
        .datasource(DATA_SOURCE)
        .targets(with_references(queries))
        .span(columns)
        .height(rows)
        .line_width(2)
        .fill_opacity(0)
        .show_points(VisibilityMode.NEVER)
        # Variants get their load in turn, so a series has gaps between two slots.
        .span_nulls(True)
        .axis_soft_min(0)
        # By name: a technique has the same colour in every graph.
        .color_scheme(FieldColor().mode(FieldColorModeId.PALETTE_CLASSIC_BY_NAME))
        .legend(_legend())
        .tooltip(_tooltip())
    )


def by_variant(panel: TimeSeries) -> TimeSeries:
    """Draw the lines of each variant in its colour."""
    for variant, colour in COLOURS.items():
        fixed = {"mode": "fixed", "fixedColor": colour}
        panel = panel.override_by_regexp(
            f"/^{variant}/", [DynamicConfigValue(id_val="color", value=fixed)]
        )
    return panel


def with_unit_axis(panel: TimeSeries) -> TimeSeries:
    """Draw the axis at least to 1. With zeros only, Grafana would draw the axis to 100."""
    return panel.axis_soft_max(1)


def logarithmic(panel: TimeSeries) -> TimeSeries:
    """Use a logarithmic axis: durations of naive and optimized often differ by a factor of 100."""
    scale = ScaleDistributionConfig().type(ScaleDistribution.LOG).log(10)
    return panel.scale_distribution(scale).axis_soft_min(_MINIMUM_SECONDS)


def speed_up(title: str, description: str, *queries: Query, columns: int) -> stat.Panel:
    """A ratio as a large number above its graph: red below 0.95, green from 1.1."""
    return (
        stat.Panel()
        .title(title)
        .description(description)
        .unit(SPEED_UP)
        .decimals(1)
        .field_min_max(True)
        .datasource(DATA_SOURCE)
        .targets(with_references(queries))
        .span(columns)
        .height(8)
        .graph_mode(BigValueGraphMode.AREA)
        .color_mode(BigValueColorMode.VALUE)
        .reduce_options(ReduceDataOptions().calcs(["lastNotNull"]))
        .thresholds(speed_up_thresholds())
        .color_scheme(FieldColor().mode(FieldColorModeId.THRESHOLDS))
    )


def speed_up_thresholds() -> ThresholdsConfig:
    steps = [
        Threshold(value=None, color="red"),
        Threshold(value=0.95, color="text"),
        Threshold(value=1.1, color="green"),
    ]
    return ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps)


def latency_heatmap(title: str, description: str, expression: str) -> heatmap.Panel:
    """A heatmap of latencies over time, by bucket."""
    return (
        heatmap.Panel()
        .title(title)
        .description(description)
        .datasource(DATA_SOURCE)
        .targets(with_references([query(expression, "{{le}}").format(PromQueryFormat.HEATMAP)]))
        .height(8)
        .unit(units.Seconds)
        .y_axis(heatmap.YAxisConfig().unit(units.Seconds))
        .color(
            heatmap.HeatmapColorOptions()
            .mode(HeatmapColorMode.SCHEME)
            .scheme("Turbo")
            .exponent(0.5)
            .steps(64)
        )
        .cell_gap(0)
        .show_legend()
        .tooltip(heatmap.HeatmapTooltip().mode(TooltipDisplayMode.SINGLE))
    )


def _legend() -> VizLegendOptions:
    return (
        VizLegendOptions()
        .display_mode(LegendDisplayMode.LIST)
        .placement(LegendPlacement.BOTTOM)
        .show_legend(True)
    )


def _tooltip() -> VizTooltipOptions:
    return VizTooltipOptions().mode(TooltipDisplayMode.MULTI).sort(SortOrder.DESCENDING)


def dashed(panel: TimeSeries, ending: str, *lengths: int) -> TimeSeries:
    """Draw series whose name ends with `ending` thin and dashed.

    `lengths` are the pixels of a dash and of the gap after it.
    """
    style = {"fill": "dash", "dash": list(lengths or (8, 6))}
    return panel.override_by_regexp(
        f"/{ending}$/",
        [
            DynamicConfigValue(id_val="custom.lineStyle", value=style),
            DynamicConfigValue(id_val="custom.lineWidth", value=1),
        ],
    )
