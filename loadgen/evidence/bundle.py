"""A bundle: the experiments of one run with all their blocks, and how the run was made.

`bundle_writer.py` stores a bundle in a folder, `bundle_reader.py` reads it back, and
`bundle_merge.py` adds up the bundles of generators that ran side by side.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from loadgen.evidence.block_record import Record, together
from loadgen.judgement import CONTROL
from loadgen.sending.histogram import Histogram

#: The latencies of all blocks, by experiment and arm.
Histograms = Mapping[str, Mapping[str, Histogram]]


class BundleRefused(ValueError):
    """A folder holds no bundle or a damaged one, or bundles do not fit together.

    The text is one line.
    """


@dataclass(frozen=True, slots=True)
class Experiment:
    """Blocks of one workload on several arms, in the order in which they ran.

    If the arms answered differently, `difference` says how, and there may be no records.
    """

    name: str
    title: str
    workload: str
    arms: tuple[str, ...]
    baseline: str
    answers_equal: bool
    difference: str | None
    records: tuple[Record, ...]

    @property
    def candidates(self) -> tuple[str, ...]:
        """The arms that are compared with the baseline; the control is none of them."""
        return tuple(arm for arm in self.arms if arm not in (self.baseline, CONTROL))

    def of(self, arm: str) -> list[Record]:
        return [record for record in self.records if record.arm == arm]

    @property
    def plan(self) -> list[tuple[str, int]]:
        """Arm and pair of each block, in the order in which they ran."""
        return [(record.arm, record.pair) for record in self.records]


@dataclass(frozen=True, slots=True)
class Bundle:
    """`measured_at` is in ISO 8601; settings and machine hold what JSON can express."""

    measured_at: str
    git_revision: str
    machine: Mapping[str, Any]
    settings: Mapping[str, Any]
    experiments: tuple[Experiment, ...]


def generators_of(settings: Mapping[str, Any]) -> int:
    """How many load generators ran side by side."""
    return int(settings.get("generators", 1))


def sweep_step_name(technique: str, parameter: str, value: int) -> str:
    """The name of the experiment at one value of a sweep."""
    return f"{technique} {parameter}={value}"


def latencies_by_arm(bundle: Bundle) -> Histograms:
    return {
        experiment.name: {
            arm: together(*(record.latencies for record in experiment.of(arm)))
            for arm in experiment.arms
        }
        for experiment in bundle.experiments
    }


def check_consistent(bundle: Bundle) -> None:
    """Raises BundleRefused if the bundle contradicts itself."""
    names = [experiment.name for experiment in bundle.experiments]
    if len(set(names)) < len(names):
        raise BundleRefused("two experiments have the same name")
    for experiment in bundle.experiments:
        _check_experiment(experiment)


def _check_experiment(experiment: Experiment) -> None:
    name, plan = experiment.name, experiment.plan
    if experiment.baseline not in experiment.arms:
        raise BundleRefused(f"{name}: its baseline {experiment.baseline!r} is none of its arms")
    if len(set(plan)) < len(plan):
        raise BundleRefused(f"{name}: a block is there twice")
    for record in experiment.records:
        if record.arm not in experiment.arms:
            raise BundleRefused(f"{name}: a block of {record.arm!r}, which is none of its arms")
        if record.contradiction:
            block = f"block {record.pair} of {record.arm}"
            raise BundleRefused(f"{name}: {block} contradicts itself: {record.contradiction}")
