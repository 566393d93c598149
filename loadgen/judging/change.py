"""What has changed between two runs, arm by arm, with intervals: `loadgen compare OLD NEW`.

Two runs differ by more than their blocks do. A program that is started again lies elsewhere in
memory and may meet another machine (Mytkowicz et al., "Producing Wrong Data Without Doing Anything
Obviously Wrong!", 2009). So only a ratio whose whole interval exceeds TOLERANCE is called a change.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from loadgen.evidence.bundle import Bundle, Experiment
from loadgen.judgement import CONTROL, QUANTITIES, ExperimentJudgement, Figures, Ratio, Ratios
from loadgen.judging.estimate import unpaired
from loadgen.judging.judge import judge, pair_ratios, score

#: Two runs of the same program on the same machine may differ by this share.
TOLERANCE = 0.05
#: Settings that change the precision of a run, but not what it measures.
_IRRELEVANT_SETTINGS = frozenset({"seed", "iterations", "duration", "generators"})


class Change(StrEnum):
    """How an arm changed; `not comparable` if one of the runs has no ratio to judge it by."""

    REGRESSION = "regression"
    IMPROVEMENT = "improvement"
    NO_DIFFERENCE_SHOWN = "no difference shown"
    NOT_COMPARABLE = "not comparable"


@dataclass(frozen=True, slots=True)
class ArmChange:
    """One arm, new against old; ratios above 1 are better.

    `speedup` compares the arm's speed-ups over the baseline of its own run. It is None for the
    baseline itself.
    """

    experiment: str
    arm: str
    old: Figures
    new: Figures
    ratios: Ratios
    speedup: Ratio | None
    change: Change


@dataclass(frozen=True, slots=True)
class RunChanges:
    """`notes` say how the runs differ in machine and settings, and what was not compared."""

    changes: tuple[ArmChange, ...]
    notes: tuple[str, ...]

    @property
    def regressed(self) -> bool:
        return any(each.change is Change.REGRESSION for each in self.changes)


@dataclass(frozen=True, slots=True)
class _Judged:
    """An experiment's records with its judgement."""

    records: Experiment
    judgement: ExperimentJudgement


def compare(old: Bundle, new: Bundle) -> RunChanges:
    """The experiments and arms that both runs have, in the order of the new run."""
    notes = list(_differences(old, new))
    before = _judged(old)
    changes: list[ArmChange] = []
    for name, after in _judged(new).items():
        refusal = _refusal(before.get(name), after)
        if refusal:
            notes.append(f"{name}: not compared: {refusal}")
        else:
            changes += _changes(before[name], after, _same_machine(old, new))
    return RunChanges(tuple(changes), tuple(notes))


def _judged(bundle: Bundle) -> dict[str, _Judged]:
    judgements = judge(bundle).experiments
    return {each.name: _Judged(each, judgements[each.name]) for each in bundle.experiments}


def _differences(old: Bundle, new: Bundle) -> Iterator[str]:
    if not _same_machine(old, new):
        yield (
            f"different machines ({_differing(old.machine, new.machine)}): an arm is judged by its"
            " speed-up over the baseline of the same run"
        )
    before, after = _relevant_settings(old), _relevant_settings(new)
    if before != after:
        yield f"different settings ({_differing(before, after)}): changes may be due to them"


def _relevant_settings(bundle: Bundle) -> dict[str, Any]:
    settings = bundle.settings.items()
    return {name: value for name, value in settings if name not in _IRRELEVANT_SETTINGS}


def _same_machine(old: Bundle, new: Bundle) -> bool:
    return dict(old.machine) == dict(new.machine)


def _differing(old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    """The facts that differ: `cores 2 → 4`."""
    return ", ".join(
        f"{name} {old.get(name)} → {new.get(name)}"
        for name in {**old, **new}
        if old.get(name) != new.get(name)
    )


def _refusal(old: _Judged | None, new: _Judged) -> str:
    """Why an experiment cannot be compared, empty if it can."""
    if old is None:
        return "the old run has no such experiment"
    for when, judged in (("old", old), ("new", new)):
        if judged.judgement.is_invalid:
            return f"the {when} run is invalid: {judged.judgement.reason}"
    if old.records.workload != new.records.workload:
        return "its workload is another one"
    return ""


def _changes(old: _Judged, new: _Judged, same_machine: bool) -> Iterator[ArmChange]:
    for arm in new.records.arms:
        if arm in old.records.arms and arm != CONTROL:
            yield _arm_change(old, new, arm, same_machine)


def _arm_change(old: _Judged, new: _Judged, arm: str, same_machine: bool) -> ArmChange:
    ratios = _ratios(old.records, new.records, arm)
    speedup = _speedup_change(old.records, new.records, arm)
    return ArmChange(
        experiment=new.records.name,
        arm=arm,
        old=old.judgement.arms[arm],
        new=new.judgement.arms[arm],
        ratios=ratios,
        speedup=speedup,
        change=change_from(ratios.p50 if same_machine else speedup),
    )


def _ratios(old: Experiment, new: Experiment, arm: str) -> Ratios:
    before, after = old.of(arm), new.of(arm)
    return Ratios(
        **{
            name: unpaired(
                [score(record, name) for record in after],
                [score(record, name) for record in before],
            )
            for name in QUANTITIES
        }
    )


def _speedup_change(old: Experiment, new: Experiment, arm: str) -> Ratio | None:
    """The new speed-up over the baseline against the old one; the machine's effect cancels out."""
    if arm == new.baseline or old.baseline != new.baseline:
        return None
    return unpaired(pair_ratios(new, arm, "p50"), pair_ratios(old, arm, "p50"))


def change_from(ratio: Ratio | None) -> Change:
    """A change is a ratio whose whole interval lies beyond TOLERANCE."""
    if ratio is None:
        return Change.NOT_COMPARABLE
    if ratio.low > 1 + TOLERANCE:
        return Change.IMPROVEMENT
    if ratio.high < 1 / (1 + TOLERANCE):
        return Change.REGRESSION
    return Change.NO_DIFFERENCE_SHOWN
