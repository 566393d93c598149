"""The judgement in a terminal: a table of 100 columns, and below it why a run is worth nothing."""

from collections.abc import Iterator

from rich.box import SIMPLE
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from loadgen.report.document import (
    Document,
    Experiment,
    Sweeps,
    candidates,
    noise_of,
    ratio_of,
    verdict_of,
)
from loadgen.report.figures import noise, printable, shortened, times
from loadgen.report.rows import before_and_after
from loadgen.report.sentences import break_even, refusal, unsaid

_WIDEST_NAME = 28
_STYLES = {"faster": "green", "slower": "yellow", "invalid": "red"}


def terminal(document: Document, sweeps: Sweeps | None = None) -> RenderableType:
    """What a run prints when it has ended."""
    told = (*_legend(document), *_sweeps(sweeps or {}), *_refusals(document))
    return Group(table(document), *told)


def table(document: Document) -> Table:
    """A row for each candidate; the noise floor is the median's."""
    result = Table(box=SIMPLE, padding=(0, 0, 0, 1), pad_edge=False, show_edge=False)
    result.add_column("experiment", overflow="fold", min_width=18)
    for quantity in ("p50 ms", "p99 ms", "requests/s", "speed-up (95 %)", "noise"):
        # Folded where the terminal is too narrow: half a number would be a wrong one.
        result.add_column(quantity, justify="right", overflow="fold")
    result.add_column("verdict", overflow="fold", min_width=13)
    for name, experiment in document["experiments"].items():
        for verdict, cells in _rows(name, experiment):
            # As Text: what stands in brackets would be taken for a style.
            result.add_row(*map(Text, cells), style=_STYLES.get(verdict, ""))
    return result


def _rows(name: str, experiment: Experiment) -> Iterator[tuple[str, list[str]]]:
    """Verdict and cells. Several candidates are listed below their experiment's name."""
    arms = candidates(experiment)
    title = shortened(printable(name), _WIDEST_NAME)
    if len(arms) > 1:
        yield "", [title]
    for arm in arms or [""]:
        listed = f"  {shortened(printable(arm), _WIDEST_NAME - 2)}"
        verdict = verdict_of(experiment, arm)
        yield verdict, [listed if len(arms) > 1 else title, *_cells(experiment, arm), verdict]


def _cells(experiment: Experiment, arm: str) -> list[str]:
    return [
        *before_and_after(experiment, arm, "→"),
        times(ratio_of(experiment, arm, "p50")),
        noise(noise_of(experiment, "p50")),
    ]


def _legend(document: Document) -> Iterator[Text]:
    """What the arrow leads from and to, where it is the same in all experiments."""
    pairs = {
        (each["baseline"], arm)
        for each in document["experiments"].values()
        for arm in candidates(each)
    }
    if len(pairs) == 1:
        ((baseline, arm),) = pairs
        yield Text(
            f"{printable(baseline)}→{printable(arm)}; speed-up and noise floor of the p50",
            style="dim",
        )


def _sweeps(sweeps: Sweeps) -> Iterator[Text]:
    for name, sweep in sweeps.items():
        yield Text(f"{printable(name)}: {break_even(sweep)}")


def _refusals(document: Document) -> Iterator[Text]:
    for name, experiment in document["experiments"].items():
        if experiment["verdict"] == "invalid":
            yield Text(f"{printable(name)}: {refusal(experiment)}", style="red")
            if experiment["reason"] and unsaid(experiment):
                yield Text(f"  {unsaid(experiment)}", style="red")
