"""The judgement in a terminal: a table of 100 columns, and below it why a run is worth nothing."""

from collections.abc import Iterator

from rich.box import SIMPLE
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from loadgen.judgement import (
    ExperimentJudgement,
    Judgement,
    SweepJudgements,
)
from loadgen.report.figures import noise, printable, shortened, times
from loadgen.report.rows import before_and_after
from loadgen.report.sentences import break_even_sentence, refusal, unsaid

_WIDEST_NAME = 28
_STYLES = {"faster": "green", "slower": "yellow", "invalid": "red"}


def terminal(document: Judgement, sweeps: SweepJudgements | None = None) -> RenderableType:
    """What a run prints when it has ended."""
    told = (*_legend(document), *_sweeps(sweeps or {}), *_refusals(document))
    return Group(table(document), *told)


def table(document: Judgement) -> Table:
    """A row for each candidate; the noise floor is the median's."""
    result = Table(box=SIMPLE, padding=(0, 0, 0, 1), pad_edge=False, show_edge=False)
    result.add_column("experiment", overflow="fold", min_width=18)
    for quantity in ("p50 ms", "p99 ms", "requests/s", "speed-up (95 %)", "noise"):
        # Folded where the terminal is too narrow: half a number would be a wrong one.
        result.add_column(quantity, justify="right", overflow="fold")
    result.add_column("verdict", overflow="fold", min_width=13)
    for name, experiment in document.experiments.items():
        for verdict, cells in _rows(name, experiment):
            # As Text: what stands in brackets would be taken for a style.
            result.add_row(*map(Text, cells), style=_STYLES.get(verdict, ""))
    return result


def _rows(name: str, experiment: ExperimentJudgement) -> Iterator[tuple[str, list[str]]]:
    """Verdict and cells. Several candidates are listed below their experiment's name."""
    arms = experiment.candidates
    title = shortened(printable(name), _WIDEST_NAME)
    if len(arms) > 1:
        yield "", [title]
    for arm in arms or [""]:
        listed = f"  {shortened(printable(arm), _WIDEST_NAME - 2)}"
        verdict = experiment.verdict_of(arm)
        yield verdict, [listed if len(arms) > 1 else title, *_cells(experiment, arm), verdict]


def _cells(experiment: ExperimentJudgement, arm: str) -> list[str]:
    return [
        *before_and_after(experiment, arm, "→"),
        times(experiment.ratio(arm, "p50")),
        noise(experiment.noise("p50")),
    ]


def _legend(document: Judgement) -> Iterator[Text]:
    """What the arrow leads from and to, where it is the same in all experiments."""
    pairs = {
        (each.baseline, arm) for each in document.experiments.values() for arm in each.candidates
    }
    if len(pairs) == 1:
        ((baseline, arm),) = pairs
        yield Text(
            f"{printable(baseline)}→{printable(arm)}; speed-up and noise floor of the p50",
            style="dim",
        )


def _sweeps(sweeps: SweepJudgements) -> Iterator[Text]:
    for name, sweep in sweeps.items():
        yield Text(f"{printable(name)}: {break_even_sentence(sweep)}")


def _refusals(document: Judgement) -> Iterator[Text]:
    for name, experiment in document.experiments.items():
        if experiment.is_invalid:
            yield Text(f"{printable(name)}: {refusal(experiment)}", style="red")
            if experiment.reason and unsaid(experiment):
                yield Text(f"  {unsaid(experiment)}", style="red")
