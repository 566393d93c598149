"""The table of the overview: one row of figures per technique."""

from dataclasses import dataclass

from grafana_foundation_sdk.builders.table import Panel as Table
from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import DataTransformerConfig, DynamicConfigValue

from monitoring.dashboards.panels import (
    DATA_SOURCE,
    SPEED_UP,
    instant,
    speed_up_thresholds,
    with_references,
)
from monitoring.promql import select
from monitoring.recording_rules import (
    CPU,
    ERROR_RATIO,
    MEAN_SPEEDUP,
    P50,
    P50_SPEEDUP,
    P99_SPEEDUP,
    REQUEST_RATE,
)
from services.catalog import TECHNIQUES

_CHOSEN = 'technique=~"$technique"'
_DETAILS = {
    "title": "Details of ${__value.text}",
    "url": "/d/technique?var-technique=${__value.raw}&${__url_time_range}",
}


@dataclass(frozen=True, slots=True)
class Column:
    """A column: the title, and the series that has a value for each technique."""

    title: str
    unit: str
    series: str
    variant: str

    @property
    def expression(self) -> str:
        chosen = select(self.series, _CHOSEN, f'variant=~"{self.variant}"')
        return f"max by (technique) ({chosen})"

    @property
    def is_speed_up(self) -> bool:
        return self.unit == SPEED_UP


COLUMNS = (
    Column("Speed-up p50", SPEED_UP, P50_SPEEDUP, "optimized"),
    Column("Speed-up p99", SPEED_UP, P99_SPEEDUP, "optimized"),
    Column("Speed-up mean", SPEED_UP, MEAN_SPEEDUP, "optimized"),
    Column("Naive p50", units.Seconds, P50, "naive"),
    Column("Optimized p50", units.Seconds, P50, "optimized"),
    Column("Naive rate", units.RequestsPerSecond, REQUEST_RATE, "naive"),
    Column("Optimized rate", units.RequestsPerSecond, REQUEST_RATE, "optimized"),
    Column("Naive CPU", units.Seconds, CPU, "naive"),
    Column("Optimized CPU", units.Seconds, CPU, "optimized"),
    Column("Errors", units.PercentUnit, ERROR_RATIO, "naive|optimized"),
)


def speedup_table() -> Table:
    queries = with_references([instant(column.expression) for column in COLUMNS])
    panel = (
        Table()
        .title("Speed-up of each technique")
        .description(
            "Speed-up is the latency of naive divided by that of optimized: above 1, the technique"
            " makes requests faster. The window is one minute, for the p99 five minutes. Click a"
            " technique for its details."
        )
        .unit(units.Short)
        .datasource(DATA_SOURCE)
        .targets(queries)
        .span(24)
        .height(9)
        .min_width(70)
        .transformations(_one_row_per_technique())
        .override_by_name("Technique", _technique_column())
    )
    for column in COLUMNS:
        panel = panel.override_by_name(column.title, _style(column))
    return panel


def _one_row_per_technique() -> list[DataTransformerConfig]:
    values = {f"Value #{chr(ord('A') + index)}": each for index, each in enumerate(COLUMNS)}
    organize = {
        "excludeByName": {"Time": True},
        "indexByName": {"technique": 0} | {name: 1 + n for n, name in enumerate(values)},
        "renameByName": {"technique": "Technique"}
        | {name: column.title for name, column in values.items()},
    }
    return [
        DataTransformerConfig(id_val="merge", options={}),
        DataTransformerConfig(id_val="organize", options=organize),
    ]


def _technique_column() -> list[DynamicConfigValue]:
    titles = {
        each.name: {"text": each.title, "index": number} for number, each in enumerate(TECHNIQUES)
    }
    return [
        DynamicConfigValue(id_val="mappings", value=[{"type": "value", "options": titles}]),
        DynamicConfigValue(id_val="links", value=[_DETAILS]),
        DynamicConfigValue(id_val="custom.width", value=190),
    ]


def _style(column: Column) -> list[DynamicConfigValue]:
    style = [DynamicConfigValue(id_val="unit", value=column.unit)]
    if column.is_speed_up:
        style += [
            DynamicConfigValue(id_val="decimals", value=2),
            DynamicConfigValue(id_val="thresholds", value=speed_up_thresholds().build()),
            DynamicConfigValue(id_val="custom.cellOptions", value={"type": "color-text"}),
        ]
    return style
