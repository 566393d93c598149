"""Changes between two runs, and differences that are none."""

import math
from random import Random
from typing import Any

import pytest

from loadgen.evidence.bundle import Bundle
from loadgen.judgement import Ratio
from loadgen.judging.change import TOLERANCE, Change, change_from, compare
from tests.unit.loadgen.evidence_factory import (
    ARMS,
    MACHINE,
    SETTINGS,
    bundle,
    experiment,
    record,
    records,
)


def run(
    naive: float, optimized: float, noise: float = 0.01, pairs: int = 8, **changes: Any
) -> Bundle:
    """A bundle whose arms have these medians in ms; `noise` is the deviation of each block."""
    random = Random(f"{naive} {optimized} {changes}")
    medians = dict(zip(ARMS, (naive, optimized, naive), strict=True))
    blocks = [
        record(arm, pair, median / 1000 * math.exp(random.gauss(0, noise)))
        for pair in range(pairs)
        for arm, median in medians.items()
    ]
    return bundle(experiment(blocks), **changes)


def changes(old: Bundle, new: Bundle) -> dict[str, Change]:
    return {each.arm: each.change for each in compare(old, new).changes}


OLD = run(2.0, 1.0)


def test_two_equal_runs_show_no_difference() -> None:
    found = compare(OLD, run(2.0, 1.0, measured_at="2025-11-24T12:00:00+00:00"))
    assert {each.change for each in found.changes} == {Change.NO_DIFFERENCE_SHOWN}
    assert not found.regressed
    assert found.notes == ()


def test_a_slower_arm_is_a_regression() -> None:
    found = compare(OLD, run(2.0, 1.2))
    by_arm = {each.arm: each for each in found.changes}
    assert by_arm["optimized"].change is Change.REGRESSION
    assert by_arm["optimized"].ratios.p50.estimate == pytest.approx(1 / 1.2, rel=0.02)
    assert by_arm["naive"].change is Change.NO_DIFFERENCE_SHOWN
    assert found.regressed


def test_a_faster_arm_is_an_improvement() -> None:
    found = compare(OLD, run(2.0, 0.8))
    assert {each.arm: each.change for each in found.changes}["optimized"] is Change.IMPROVEMENT
    assert not found.regressed


def test_a_regression_of_both_arms_shows_although_their_ratio_stays() -> None:
    found = {each.arm: each for each in compare(OLD, run(3.0, 1.5)).changes}
    assert {each.change for each in found.values()} == {Change.REGRESSION}
    assert found["optimized"].speedup is not None
    assert found["optimized"].speedup.estimate == pytest.approx(1.0, rel=0.02)


@pytest.mark.parametrize("ratio", [1 + TOLERANCE * 0.6, 1 - TOLERANCE * 0.6])
def test_a_difference_within_the_tolerance_is_no_change(ratio: float) -> None:
    new = run(2.0 * ratio, ratio, noise=0.001)
    found = compare(run(2.0, 1.0, noise=0.001), new)
    assert {each.change for each in found.changes} == {Change.NO_DIFFERENCE_SHOWN}
    assert all(not each.ratios.p50.low <= 1 <= each.ratios.p50.high for each in found.changes)


def test_a_noisy_difference_is_no_change() -> None:
    assert set(changes(run(2.0, 1.0, noise=0.3), run(2.0, 1.2, noise=0.3)).values()) == {
        Change.NO_DIFFERENCE_SHOWN
    }


def test_equal_runs_are_hardly_ever_called_changed() -> None:
    found = [
        change
        for seed in range(40)
        for change in changes(
            run(2.0, 1.0, noise=0.05, git_revision=f"{seed}"),
            run(2.0, 1.0, noise=0.05, git_revision=f"{seed} again"),
        ).values()
    ]
    assert len(found) == 80
    assert found.count(Change.NO_DIFFERENCE_SHOWN) >= 78


def test_throughput_and_tail_are_compared_besides_the_median() -> None:
    half = [record(each.arm, each.pair, seconds=2.0) for each in OLD.experiments[0].records]
    found = compare(
        bundle(experiment([record(each.arm, each.pair) for each in half])), bundle(experiment(half))
    )
    assert [each.ratios.throughput.estimate for each in found.changes] == pytest.approx([0.5, 0.5])
    assert [each.ratios.p99.estimate for each in found.changes] == pytest.approx([1.0, 1.0])


# Runs that are not alike


def test_on_another_machine_an_arm_is_judged_by_its_speedup_over_the_baseline() -> None:
    slow = {**MACHINE, "cores": 1}
    found = compare(OLD, run(6.0, 3.0, machine=slow))
    assert {each.arm: each.change for each in found.changes} == {
        "naive": Change.NOT_COMPARABLE,
        "optimized": Change.NO_DIFFERENCE_SHOWN,
    }
    assert not found.regressed
    assert found.notes == (
        "different machines (cores 4 → 1): an arm is judged by its speed-up over the baseline of"
        " the same run",
    )
    assert compare(OLD, run(6.0, 4.5, machine=slow)).regressed


def test_different_settings_are_noted() -> None:
    other = run(2.0, 1.0, settings={**SETTINGS, "concurrency": 64, "seed": 99})
    assert compare(OLD, other).notes == (
        "different settings (concurrency 2 → 64): changes may be due to them",
    )


@pytest.mark.parametrize("setting", ["seed", "iterations", "duration"])
def test_settings_that_only_change_the_precision_are_not_noted(setting: str) -> None:
    assert compare(OLD, run(2.0, 1.0, settings={**SETTINGS, setting: 99})).notes == ()


def test_only_experiments_and_arms_of_both_runs_are_compared() -> None:
    blocks = records([2.0] * 4)
    old = bundle(experiment(blocks, name="gone"), experiment(blocks, name="kept"))
    without_control = [each for each in blocks if each.arm != "control"]
    new = bundle(
        experiment(blocks, name="added"),
        experiment(without_control, name="kept", arms=("naive", "optimized")),
    )
    found = compare(old, new)
    assert [(each.experiment, each.arm) for each in found.changes] == [
        ("kept", "naive"),
        ("kept", "optimized"),
    ]
    assert found.notes == ("added: not compared: the old run has no such experiment",)


def test_an_experiment_with_another_workload_is_not_compared() -> None:
    other = bundle(experiment(records([9.0] * 4), workload="Four of them."))
    found = compare(OLD, other)
    assert found.changes == ()
    assert found.notes == ("made-up: not compared: its workload is another one",)


@pytest.mark.parametrize(("invalid_is", "when"), [(0, "old"), (1, "new")])
def test_an_invalid_run_is_not_compared(invalid_is: int, when: str) -> None:
    runs = [OLD, OLD]
    runs[invalid_is] = bundle(experiment(answers_equal=False, difference="$.x"))
    assert compare(*runs).notes == (
        f"made-up: not compared: the {when} run is invalid: the arms answer differently: $.x",
    )


def test_an_arm_keeps_its_old_and_new_figures() -> None:
    (naive, optimized) = compare(OLD, run(2.0, 1.2)).changes
    assert optimized.old.p50_ms < optimized.new.p50_ms
    assert (naive.speedup, naive.experiment) == (None, "made-up")


@pytest.mark.parametrize(
    ("milliseconds", "change"),
    [
        (1.0, Change.NO_DIFFERENCE_SHOWN),
        (1 / 1.055, Change.IMPROVEMENT),
        (1.055, Change.REGRESSION),
        (1.045, Change.NO_DIFFERENCE_SHOWN),
        (1 / 1.045, Change.NO_DIFFERENCE_SHOWN),
    ],
)
def test_the_tolerance_is_five_percent_in_both_directions(
    milliseconds: float, change: Change
) -> None:
    assert TOLERANCE == 0.05
    old, new = (run(2.0, value, noise=0.0) for value in (1.0, milliseconds))
    assert changes(old, new)["optimized"] is change


def test_runs_with_different_baselines_have_no_speedup_to_compare() -> None:
    blocks = OLD.experiments[0].records
    other = bundle(experiment(blocks, baseline="optimized"))
    assert [each.speedup for each in compare(OLD, other).changes] == [None, None]


def test_several_generators_are_no_difference_of_settings() -> None:
    assert compare(OLD, run(2.0, 1.0, settings={**SETTINGS, "generators": 2})).notes == ()


@pytest.mark.parametrize(
    ("low", "high", "change"),
    [
        (1.05, 1.2, Change.NO_DIFFERENCE_SHOWN),
        (math.nextafter(1.05, 2), 1.2, Change.IMPROVEMENT),
        (0.8, 1 / 1.05, Change.NO_DIFFERENCE_SHOWN),
        (0.8, math.nextafter(1 / 1.05, 0), Change.REGRESSION),
        (0.8, 1.2, Change.NO_DIFFERENCE_SHOWN),
    ],
)
def test_an_interval_that_touches_the_tolerance_is_no_change(
    low: float, high: float, change: Change
) -> None:
    assert change_from(Ratio((low + high) / 2, low, high)) is change


def test_without_a_ratio_there_is_nothing_to_compare() -> None:
    assert change_from(None) is Change.NOT_COMPARABLE
