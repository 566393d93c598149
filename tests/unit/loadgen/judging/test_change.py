"""New against old: what is called a change, and what only looks like one."""

import math
from random import Random
from typing import Any

import orjson
import pytest
from loadgen.judging.comparison import TOLERANCE, Change, compare, document, lines

from loadgen.evidence.bundle import Bundle
from tests.unit.loadgen.made_up import (
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
    """A bundle whose arms have these medians in ms, each block off by so much."""
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


def test_runs_of_the_same_show_no_difference() -> None:
    found = compare(OLD, run(2.0, 1.0, measured_at="2025-11-24T12:00:00+00:00"))
    assert {each.change for each in found.changes} == {Change.NO_DIFFERENCE_SHOWN}
    assert not found.regressed
    assert found.notes == ()


def test_an_arm_that_takes_longer_than_before_is_a_regression() -> None:
    found = compare(OLD, run(2.0, 1.2))
    by_arm = {each.arm: each for each in found.changes}
    assert by_arm["optimized"].change is Change.REGRESSION
    assert by_arm["optimized"].p50.estimate == pytest.approx(1 / 1.2, rel=0.02)
    assert by_arm["naive"].change is Change.NO_DIFFERENCE_SHOWN
    assert found.regressed


def test_an_arm_that_takes_less_time_than_before_is_an_improvement() -> None:
    found = compare(OLD, run(2.0, 0.8))
    assert {each.arm: each.change for each in found.changes}["optimized"] is Change.IMPROVEMENT
    assert not found.regressed


def test_a_regression_of_both_arms_is_not_hidden_by_their_ratio() -> None:
    found = {each.arm: each for each in compare(OLD, run(3.0, 1.5)).changes}
    assert {each.change for each in found.values()} == {Change.REGRESSION}
    assert found["optimized"].speedup is not None
    assert found["optimized"].speedup.estimate == pytest.approx(1.0, rel=0.02)


@pytest.mark.parametrize("ratio", [1 + TOLERANCE * 0.6, 1 - TOLERANCE * 0.6])
def test_what_two_runs_may_always_differ_by_is_no_change(ratio: float) -> None:
    new = run(2.0 * ratio, ratio, noise=0.001)
    found = compare(run(2.0, 1.0, noise=0.001), new)
    assert {each.change for each in found.changes} == {Change.NO_DIFFERENCE_SHOWN}
    assert all(not each.p50.low <= 1 <= each.p50.high for each in found.changes)


def test_noise_is_not_called_a_change() -> None:
    assert set(changes(run(2.0, 1.0, noise=0.3), run(2.0, 1.2, noise=0.3)).values()) == {
        Change.NO_DIFFERENCE_SHOWN
    }


def test_of_many_comparisons_of_the_same_hardly_any_is_called_a_change() -> None:
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


def test_throughput_and_tail_are_told_beside_the_median() -> None:
    half = [record(each.arm, each.pair, seconds=2.0) for each in OLD.experiments[0].records]
    found = compare(
        bundle(experiment([record(each.arm, each.pair) for each in half])), bundle(experiment(half))
    )
    assert [each.throughput.estimate for each in found.changes] == pytest.approx([0.5, 0.5])
    assert [each.p99.estimate for each in found.changes] == pytest.approx([1.0, 1.0])


# Runs that are not alike


def test_on_another_machine_an_arm_is_judged_by_its_lead_over_the_baseline() -> None:
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


def test_other_settings_are_told() -> None:
    other = run(2.0, 1.0, settings={**SETTINGS, "concurrency": 64, "seed": 99})
    assert compare(OLD, other).notes == (
        "different settings (concurrency 2 → 64): changes may be due to them",
    )


@pytest.mark.parametrize("setting", ["seed", "iterations", "duration"])
def test_settings_that_change_nothing_but_the_precision_are_not_told(setting: str) -> None:
    assert compare(OLD, run(2.0, 1.0, settings={**SETTINGS, setting: 99})).notes == ()


def test_only_what_both_runs_have_is_compared() -> None:
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


def test_an_experiment_of_another_workload_is_not_compared() -> None:
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


# As lines and as JSON


def test_a_line_says_what_became_of_an_arm_and_by_how_much() -> None:
    same = bundle(experiment(records([2.0] * 4)))
    slower = bundle(
        experiment([record(each.arm, each.pair, 0.004) for each in same.experiments[0].records])
    )
    naive, optimized = lines(compare(same, slower))
    assert naive == (
        "made-up naive: regression: p50 1.99 → 3.98 ms, 0.50× (0.50–0.50); p99 0.50× (0.50–0.50);"
        " requests/s 1.00× (1.00–1.00)"
    )
    assert optimized.startswith("made-up optimized: regression: p50 1.00 → 3.98 ms, 0.25×")
    assert optimized.endswith("speed-up 0.50× (0.50–0.50)")


def test_notes_follow_the_lines() -> None:
    found = lines(compare(OLD, run(2.0, 1.0, settings={**SETTINGS, "rate": 5})))
    assert len(found) == 3
    assert found[-1].startswith("note: different settings (rate None → 5)")


def test_the_document_has_all_that_was_compared() -> None:
    comparison = compare(OLD, run(2.0, 1.2))
    found = orjson.loads(orjson.dumps(document(comparison)))
    assert found.keys() == {"regressed", "changes", "notes"}
    assert found["regressed"] is True
    assert found["notes"] == []
    arm = found["changes"]["made-up"]["optimized"]
    assert arm["change"] == "regression"
    assert arm["p50"]["high"] < 1
    assert arm["old"]["p50_ms"] < arm["new"]["p50_ms"]
    assert arm.keys() == {
        "old",
        "new",
        "p50",
        "p95",
        "p99",
        "throughput",
        "speedup",
        "change",
    }
    assert found["changes"]["made-up"]["naive"]["speedup"] is None
