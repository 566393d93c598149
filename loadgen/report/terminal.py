"""Output for a terminal: the judgement as a table, and the changes between two runs."""

from collections.abc import Iterator

from rich.box import SIMPLE
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from loadgen.judgement import (
    ExperimentJudgement,
    Judgement,
    SweepJudgements,
    Verdict,
)
from loadgen.judging.change import ArmChange, RunChanges
from loadgen.report.candidate_rows import before_and_after
from loadgen.report.notation import noise_reach, number, printable, ratio_with_interval, shortened
from loadgen.report.sentences import break_even_sentence, refusal, unreported_difference

_WIDEST_NAME = 28
_STYLES = {Verdict.FASTER: "green", Verdict.SLOWER: "yellow", Verdict.INVALID: "red"}


def terminal(judgement: Judgement, sweeps: SweepJudgements | None = None) -> RenderableType:
    """What a run prints at its end."""
    lines = (*_legend(judgement), *_sweeps(sweeps or {}), *_refusals(judgement))
    return Group(_table(judgement), *lines)


def _table(judgement: Judgement) -> Table:
    """A row for each candidate; the noise floor is that of the median."""
    result = Table(box=SIMPLE, padding=(0, 0, 0, 1), pad_edge=False, show_edge=False)
    result.add_column("experiment", overflow="fold", min_width=18)
    for quantity in ("p50 ms", "p99 ms", "requests/s", "speed-up (95 %)", "noise"):
        # A narrow terminal folds a cell; cut off, a number would be a wrong number.
        result.add_column(quantity, justify="right", overflow="fold")
    result.add_column("verdict", overflow="fold", min_width=13)
    for name, experiment in judgement.experiments.items():
        for verdict, cells in _rows(name, experiment):
            # As Text, since rich takes brackets in a string for a style.
            result.add_row(*map(Text, cells), style=_STYLES.get(verdict, "") if verdict else "")
    return result


def _rows(name: str, experiment: ExperimentJudgement) -> Iterator[tuple[Verdict | None, list[str]]]:
    """Verdict and cells. Several candidates are listed below their experiment's name."""
    arms = experiment.candidates
    title = shortened(printable(name), _WIDEST_NAME)
    if len(arms) > 1:
        yield None, [title]
    for arm in arms or [""]:
        listed = f"  {shortened(printable(arm), _WIDEST_NAME - 2)}"
        verdict = experiment.verdict_of(arm)
        yield verdict, [listed if len(arms) > 1 else title, *_cells(experiment, arm), verdict]


def _cells(experiment: ExperimentJudgement, arm: str) -> list[str]:
    return [
        *before_and_after(experiment, arm, "→"),
        ratio_with_interval(experiment.ratio(arm, "p50")),
        noise_reach(experiment.noise("p50")),
    ]


def _legend(judgement: Judgement) -> Iterator[Text]:
    """The names before and after the arrow, if they are the same in all experiments."""
    pairs = {
        (each.baseline, arm) for each in judgement.experiments.values() for arm in each.candidates
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


def _refusals(judgement: Judgement) -> Iterator[Text]:
    for name, experiment in judgement.experiments.items():
        if experiment.is_invalid:
            yield Text(f"{printable(name)}: {refusal(experiment)}", style="red")
            difference = unreported_difference(experiment)
            if difference:
                yield Text(f"  {difference}", style="red")


def change_lines(changes: RunChanges) -> list[str]:
    """What `loadgen compare` prints: a line for each arm, then the notes."""
    return [*map(_change_line, changes.changes), *(f"note: {note}" for note in changes.notes)]


def _change_line(change: ArmChange) -> str:
    before, after = change.old.p50_ms, change.new.p50_ms
    parts = [
        f"p50 {number(before)} → {number(after)} ms, {ratio_with_interval(change.ratios.p50)}",
        f"p99 {ratio_with_interval(change.ratios.p99)}",
        f"requests/s {ratio_with_interval(change.ratios.throughput)}",
    ]
    if change.speedup is not None:
        parts.append(f"speed-up {ratio_with_interval(change.speedup)}")
    return f"{change.experiment} {change.arm}: {change.change}: {'; '.join(parts)}"
