"""Bundles and experiments: their arms, blocks and latencies, and contradictions in them."""

import pytest

from loadgen.evidence.bundle import (
    BundleRefused,
    Experiment,
    check_consistent,
    generators_of,
    latencies_by_arm,
    sweep_step_name,
)
from tests.unit.loadgen.evidence_factory import bundle, experiment, histogram, record, records

ONE = experiment(records([2.0, 1.5]))


def test_candidates_are_the_arms_except_baseline_and_control() -> None:
    assert ONE.candidates == ("optimized",)
    several = experiment(arms=("a", "naive", "b", "control"))
    assert several.candidates == ("a", "b")


def test_the_blocks_of_an_arm_keep_their_order() -> None:
    assert [block.pair for block in ONE.of("optimized")] == [0, 1]
    assert {block.arm for block in ONE.of("optimized")} == {"optimized"}
    assert ONE.of("other") == []


def test_the_plan_lists_arm_and_pair_of_each_block() -> None:
    assert ONE.plan == [(arm, pair) for pair in (0, 1) for arm in ("naive", "optimized", "control")]


def test_latencies_are_those_of_all_blocks_of_an_arm() -> None:
    blocks = [
        record("naive", pair, answered=2, latencies=histogram([pair + 0.001, pair + 0.002]))
        for pair in range(2)
    ]
    latencies = latencies_by_arm(bundle(experiment(blocks, name="one")))
    assert latencies["one"]["naive"] == histogram([0.001, 0.002, 1.001, 1.002])
    assert latencies["one"]["optimized"].count == 0


def test_a_bundle_is_of_one_generator_unless_it_was_merged() -> None:
    assert generators_of({}) == 1
    assert generators_of({"generators": 3}) == 3


def test_an_experiment_of_a_sweep_is_named_after_parameter_and_value() -> None:
    assert sweep_step_name("caching", "rows", 10) == "caching rows=10"


def test_a_consistent_bundle_passes() -> None:
    check_consistent(bundle(ONE, experiment(name="other")))


@pytest.mark.parametrize(
    ("experiments", "reason"),
    [
        ([ONE, ONE], "two experiments have the same name"),
        ([experiment(baseline="x")], "made-up: its baseline 'x' is none of its arms"),
        ([experiment([record(), record()])], "made-up: a block is there twice"),
        ([experiment([record("x")])], "made-up: a block of 'x', which is none of its arms"),
        (
            [ONE, experiment([record(pair=2, sent=7)], name="other")],
            "other: block 2 of naive contradicts itself: 100 answers and 0 errors of 7 requests",
        ),
    ],
)
def test_a_contradiction_is_refused(experiments: list[Experiment], reason: str) -> None:
    with pytest.raises(BundleRefused) as caught:
        check_consistent(bundle(*experiments))
    assert str(caught.value) == reason
