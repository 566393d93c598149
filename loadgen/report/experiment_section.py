"""The part of the HTML report on one experiment.

It shows the verdict, the distribution of the latencies, the speed-ups, and the figures of each arm.
Then it shows what explains the figures, the sweep, and the load generator's audit of itself.
The plots are in `density_plot` and `forest_plot`; the template is
`templates/experiment_section.html.jinja`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from loadgen.judgement import QUANTITIES, ExperimentJudgement, Figures, SweepJudgement
from loadgen.report.density_plot import density_plot
from loadgen.report.forest_plot import ForestRow, forest_plot
from loadgen.report.notation import NOTHING, amount
from loadgen.report.plot import Figure, arm_styles, figure
from loadgen.report.sentences import claims, receipt_name, receipts, unreported_difference
from loadgen.report.sweep_section import SweepSection, sweep_section
from loadgen.sending.histogram import Histogram

_LATENCY_CAPTION = (
    "How often each latency occurred, on a logarithmic axis. All curves have the same height."
    " Solid line: the median. Dashed line: the 99th percentile."
)
_SPEEDUP_CAPTION = (
    "Speed-ups over the baseline with 95 % intervals. Grey: the noise floor of each quantity."
)


@dataclass(frozen=True, slots=True)
class ArmRow:
    """A row of the table of figures."""

    name: str
    style: str
    figures: Figures


@dataclass(frozen=True, slots=True)
class ReceiptRow:
    """A row of the table of receipts: one formatted value for each arm."""

    name: str
    values: Sequence[str]


@dataclass(frozen=True, slots=True)
class ExperimentSection:
    """What the template shows. A figure, a table or a sweep without content is None or empty."""

    identifier: str
    title: str
    judgement: ExperimentJudgement
    claims: Sequence[str]
    difference: str
    latencies: Figure | None
    speedups: Figure | None
    arms: Sequence[ArmRow]
    receipts: Sequence[ReceiptRow]
    sweep: SweepSection | None


def experiment_section(
    identifier: str,
    name: str,
    experiment: ExperimentJudgement,
    histograms: Mapping[str, Histogram],
    sweep: SweepJudgement | None,
) -> ExperimentSection:
    """Returns the section on one experiment. `histograms` holds the latencies of each arm.

    `identifier` is the link target of the section and must be unique within the page.
    """
    styles = arm_styles(experiment)
    return ExperimentSection(
        identifier=identifier,
        title=experiment.title or name,
        judgement=experiment,
        claims=claims(experiment),
        difference=unreported_difference(experiment),
        latencies=_latencies(identifier, experiment, histograms),
        speedups=_speedups(identifier, experiment),
        arms=[ArmRow(arm, styles[arm], experiment.arms[arm]) for arm in experiment.arms_in_order],
        receipts=_receipts(experiment),
        sweep=_sweep(identifier, experiment, sweep) if sweep else None,
    )


def _latencies(
    identifier: str, experiment: ExperimentJudgement, histograms: Mapping[str, Histogram]
) -> Figure | None:
    measured = {
        arm: histograms[arm]
        for arm in experiment.arms_in_order
        if arm in histograms and histograms[arm].count
    }
    if not measured:
        return None
    name, title = f"{identifier}-latencies", f"Latencies of {experiment.title}"
    styles = arm_styles(experiment)
    return figure(
        lambda width: density_plot(name, title, measured, styles, width), _LATENCY_CAPTION
    )


def _speedups(identifier: str, experiment: ExperimentJudgement) -> Figure | None:
    rows = [row for arm in experiment.candidates for row in _speedup_rows(experiment, arm)]
    if not any(row.ratio for row in rows):
        return None
    name, title = f"{identifier}-speedups", f"Speed-ups of {experiment.title}"
    return figure(lambda width: forest_plot(name, title, rows, width), _SPEEDUP_CAPTION)


def _speedup_rows(experiment: ExperimentJudgement, arm: str) -> list[ForestRow]:
    """The label names the arm only if the experiment has several candidates."""
    prefix = f"{arm}: " if len(experiment.candidates) > 1 else ""
    style = arm_styles(experiment)[arm]
    return [
        ForestRow(
            f"{prefix}{quantity}",
            experiment.ratio(arm, quantity),
            experiment.noise(quantity),
            style,
            NOTHING,
        )
        for quantity in QUANTITIES
    ]


def _sweep(identifier: str, experiment: ExperimentJudgement, sweep: SweepJudgement) -> SweepSection:
    return sweep_section(f"{identifier}-sweep", experiment.title, sweep, arm_styles(experiment))


def _receipts(experiment: ExperimentJudgement) -> list[ReceiptRow]:
    return [
        ReceiptRow(
            receipt_name(name),
            [amount(by_arm[arm]) if arm in by_arm else NOTHING for arm in experiment.arms_in_order],
        )
        for name, by_arm in receipts(experiment).items()
    ]
