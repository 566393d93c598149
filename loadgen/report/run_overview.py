"""The overview of a run: one row for each comparison, as a plot and as a table.

`html_report` shows both; `overview_svg` returns the plot as a file for the README.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from loadgen.judgement import ExperimentJudgement, Judgement, Verdict
from loadgen.report.candidate_rows import before_and_after, candidate_rows
from loadgen.report.forest_plot import ForestRow, forest_plot
from loadgen.report.notation import noise_reach, ratio_with_interval
from loadgen.report.plot import WIDE, Figure, arm_styles, figure
from loadgen.report.rendering import STYLE, render

_NAME, _TITLE = "overview", "Speed-ups of all experiments"
_CAPTION = (
    "Speed-up of the median with its 95 % interval, on a logarithmic axis. Grey: the noise floor,"
    " which is the interval of the control against the baseline."
)


@dataclass(frozen=True, slots=True)
class OverviewRow:
    """A row of the table. `section` is the identifier of the experiment's section in the page."""

    section: str
    label: str
    figures: Sequence[str]
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class RunOverview:
    """What the template shows."""

    figure: Figure
    rows: Sequence[OverviewRow]


def run_overview(judgement: Judgement) -> RunOverview | None:
    """Returns the overview, or None if the run has no experiment."""
    forest_rows = _forest_rows(judgement)
    if not forest_rows:
        return None
    return RunOverview(
        figure(lambda width: forest_plot(_NAME, _TITLE, forest_rows, width), _CAPTION),
        _table_rows(judgement),
    )


def overview_svg(judgement: Judgement) -> str:
    """Returns the first candidate of each experiment as SVG that contains its style sheet.

    Empty if the run has no experiment.
    """
    rows = _forest_rows(judgement.with_first_candidates())
    if not rows:
        return ""
    plot = forest_plot(_NAME, _TITLE, rows, WIDE)
    return render("overview.svg.jinja", plot=plot, style=STYLE)


def _forest_rows(judgement: Judgement) -> list[ForestRow]:
    return [
        row
        for name, experiment in judgement.experiments.items()
        for row in _forest_rows_of(name, experiment)
    ]


def _forest_rows_of(name: str, experiment: ExperimentJudgement) -> Iterator[ForestRow]:
    styles = arm_styles(experiment)
    for arm, suffix in candidate_rows(experiment):
        yield ForestRow(
            f"{name}{suffix}",
            experiment.ratio(arm, "p50"),
            experiment.noise("p50"),
            styles.get(arm, ""),
            experiment.verdict,
        )


def _table_rows(judgement: Judgement) -> list[OverviewRow]:
    return [
        OverviewRow(
            section_identifier(index),
            f"{name}{suffix}",
            _figures(experiment, arm),
            experiment.verdict_of(arm),
        )
        for index, (name, experiment) in enumerate(judgement.experiments.items())
        for arm, suffix in candidate_rows(experiment)
    ]


def _figures(experiment: ExperimentJudgement, arm: str) -> list[str]:
    return [
        *before_and_after(experiment, arm, " → "),
        ratio_with_interval(experiment.ratio(arm, "p50")),
        noise_reach(experiment.noise("p50")),
    ]


def section_identifier(index: int) -> str:
    """Returns the link target of the experiment's section in the page."""
    return f"experiment-{index}"
