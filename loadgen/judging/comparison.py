"""`loadgen compare OLD NEW`: what has become better or worse since, with intervals.

Two runs differ by more than their blocks do: the same program, started again, lies elsewhere in
memory and meets another machine (Mytkowicz et al., "Producing Wrong Data Without Doing Anything
Obviously Wrong!", 2009). So only what exceeds TOLERANCE with its whole interval is called a change.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from loadgen.evidence.bundle import Bundle, Experiment
from loadgen.experiment.plan import CONTROL
from loadgen.judging.estimate import Speedup, unpaired
from loadgen.judging.judgement import QUANTITIES, Figures, Judged, judge, pair_ratios, rounded
from loadgen.report.figures import number

#: What two runs of the same program on the same machine may differ by.
TOLERANCE = 0.05
#: Runs that differ in these are still runs of the same thing.
_OF_NO_MATTER = frozenset({"seed", "iterations", "duration", "generators"})


class Change(StrEnum):
    """What became of an arm; `not comparable` where one of the runs says nothing of it."""

    REGRESSION = "regression"
    IMPROVEMENT = "improvement"
    NO_DIFFERENCE_SHOWN = "no difference shown"
    NOT_COMPARABLE = "not comparable"


@dataclass(frozen=True, slots=True)
class Changed:
    """One arm, new against old: above 1 is better. `speedup` is its lead over its own baseline."""

    experiment: str
    arm: str
    old: Figures
    new: Figures
    p50: Speedup
    p95: Speedup
    p99: Speedup
    throughput: Speedup
    speedup: Speedup | None
    change: Change


@dataclass(frozen=True, slots=True)
class BundleComparison:
    """`notes` tell what keeps the runs from being alike, and what was not compared."""

    changes: tuple[Changed, ...]
    notes: tuple[str, ...]

    @property
    def regressed(self) -> bool:
        return any(each.change is Change.REGRESSION for each in self.changes)


def compare(old: Bundle, new: Bundle) -> BundleComparison:
    """Experiments and arms that both have, in the new one's order."""
    notes = list(_differences(old, new))
    before = {each.experiment.name: each for each in judge(old).experiments}
    changes: list[Changed] = []
    for after in judge(new).experiments:
        name = after.experiment.name
        refusal = _refusal(before.get(name), after)
        if refusal:
            notes.append(f"{name}: not compared: {refusal}")
        else:
            changes += _changes(before[name], after, _same_machine(old, new))
    return BundleComparison(tuple(changes), tuple(notes))


def _differences(old: Bundle, new: Bundle) -> Iterator[str]:
    if not _same_machine(old, new):
        yield (
            f"different machines ({_told(old.machine, new.machine)}): an arm is judged by its"
            " speed-up over the baseline of the same run"
        )
    relevant = [
        {name: value for name, value in each.settings.items() if name not in _OF_NO_MATTER}
        for each in (old, new)
    ]
    if relevant[0] != relevant[1]:
        yield f"different settings ({_told(*relevant)}): changes may be due to them"


def _same_machine(old: Bundle, new: Bundle) -> bool:
    return dict(old.machine) == dict(new.machine)


def _told(old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    """The facts that differ: `cores 2 → 4`."""
    return ", ".join(
        f"{name} {old.get(name)} → {new.get(name)}"
        for name in {**old, **new}
        if old.get(name) != new.get(name)
    )


def _refusal(old: Judged | None, new: Judged) -> str:
    if old is None:
        return "the old run has no such experiment"
    for when, judged in (("old", old), ("new", new)):
        if judged.verdict == "invalid":
            return f"the {when} run is invalid: {judged.reason}"
    if old.experiment.workload != new.experiment.workload:
        return "its workload is another one"
    return ""


def _changes(old: Judged, new: Judged, same_machine: bool) -> Iterator[Changed]:
    for arm in new.experiment.arms:
        if arm in old.experiment.arms and arm != CONTROL:
            yield _changed(old, new, arm, same_machine)


def _changed(old: Judged, new: Judged, arm: str, same_machine: bool) -> Changed:
    before, after = old.experiment.of(arm), new.experiment.of(arm)
    ratios = {
        name: unpaired([better(each) for each in after], [better(each) for each in before])
        for name, better in QUANTITIES.items()
    }
    speedup = _speedup(old.experiment, new.experiment, arm)
    return Changed(
        new.experiment.name,
        arm,
        old.arms[arm],
        new.arms[arm],
        **ratios,
        speedup=speedup,
        change=_change(ratios["p50"] if same_machine else speedup),
    )


def _speedup(old: Experiment, new: Experiment, arm: str) -> Speedup | None:
    """How the lead over the baseline changed; what the machine adds to both arms cancels out."""
    if arm == new.baseline or old.baseline != new.baseline:
        return None
    return unpaired(pair_ratios(new, arm, "p50"), pair_ratios(old, arm, "p50"))


def _change(ratio: Speedup | None) -> Change:
    if ratio is None:
        return Change.NOT_COMPARABLE
    if ratio.low > 1 + TOLERANCE:
        return Change.IMPROVEMENT
    if ratio.high < 1 / (1 + TOLERANCE):
        return Change.REGRESSION
    return Change.NO_DIFFERENCE_SHOWN


# For programs and for people


def document(comparison: BundleComparison) -> dict[str, Any]:
    """As JSON has it; `changes` by experiment and arm."""
    changes: dict[str, Any] = {}
    for each in comparison.changes:
        entry = asdict(each)
        experiment, arm = entry.pop("experiment"), entry.pop("arm")
        changes.setdefault(experiment, {})[arm] = rounded(entry)
    return {
        "regressed": comparison.regressed,
        "changes": changes,
        "notes": list(comparison.notes),
    }


def lines(comparison: BundleComparison) -> list[str]:
    """One for each arm, then the notes."""
    return [*map(_line, comparison.changes), *(f"note: {note}" for note in comparison.notes)]


def _line(changed: Changed) -> str:
    before, after = changed.old.p50_ms, changed.new.p50_ms
    parts = [
        f"p50 {number(before)} → {number(after)} ms, {_times(changed.p50)}",
        f"p99 {_times(changed.p99)}",
        f"requests/s {_times(changed.throughput)}",
    ]
    if changed.speedup is not None:
        parts.append(f"speed-up {_times(changed.speedup)}")
    return f"{changed.experiment} {changed.arm}: {changed.change}: {'; '.join(parts)}"


def _times(ratio: Speedup) -> str:
    return f"{number(ratio.estimate)}× ({number(ratio.low)}–{number(ratio.high)})"
