"""The part of the HTML report on one sweep: a plot, the break-even value, and a table.

`sweep_plot` computes the plot; `templates/sweep_section.html.jinja` is the template.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from loadgen.judgement import CONTROL, SweepJudgement
from loadgen.report.candidate_rows import median_at
from loadgen.report.notation import amount, ratio_with_interval
from loadgen.report.plot import Figure, figure
from loadgen.report.sentences import break_even_sentence
from loadgen.report.sweep_plot import sweep_plot


@dataclass(frozen=True, slots=True)
class PointRow:
    """A row of the table: one value of the swept parameter."""

    value: str
    medians: Sequence[str]
    ratio: str
    verdict_or_reason: str


@dataclass(frozen=True, slots=True)
class SweepSection:
    """What the template shows. `styles` holds the CSS classes of each arm in the plot.

    `figure` is None if no arm was measured at any point.
    """

    parameter: str
    description: str
    styles: Mapping[str, str]
    figure: Figure | None
    columns: Sequence[str]
    points: Sequence[PointRow]


def sweep_section(
    name: str, title: str, sweep: SweepJudgement, styles: Mapping[str, str]
) -> SweepSection:
    """Returns the section without the control, whose line would cover the baseline's.

    `name` must be unique within the page. `styles` holds the CSS classes of each arm.
    """
    measured = {arm for point in sweep.points for arm in point.arms} - {CONTROL}
    shown = {arm: style for arm, style in styles.items() if arm in measured}
    return SweepSection(
        parameter=sweep.parameter,
        description=sweep.description,
        styles=shown,
        figure=_figure(name, title, sweep, shown) if shown else None,
        columns=(sweep.parameter, *(f"{arm} p50 ms" for arm in shown), "speed-up", ""),
        points=_rows(sweep, shown),
    )


def _figure(name: str, title: str, sweep: SweepJudgement, styles: Mapping[str, str]) -> Figure:
    whole_title = f"{title} over {sweep.parameter}"
    return figure(
        lambda width: sweep_plot(name, whole_title, sweep, styles, width),
        break_even_sentence(sweep),
    )


def _rows(sweep: SweepJudgement, arms: Iterable[str]) -> list[PointRow]:
    return [
        PointRow(
            amount(point.value),
            [median_at(point, arm) for arm in arms],
            ratio_with_interval(point.ratio),
            point.reason or point.verdict,
        )
        for point in sweep.points
    ]
