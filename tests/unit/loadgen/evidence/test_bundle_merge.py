"""Merging the bundles of generators that ran side by side."""

from dataclasses import replace
from pathlib import Path

import pytest

from loadgen.evidence.bundle import Bundle, BundleRefused, generators_of
from loadgen.evidence.bundle_merge import merge
from loadgen.evidence.bundle_reader import read_bundle
from loadgen.evidence.bundle_writer import write_bundle
from loadgen.judging.judge import judge
from tests.unit.loadgen.evidence_factory import MACHINE, SETTINGS, bundle, experiment, records

ONE = bundle(experiment(records([1.9, 2.0, 2.1, 2.0])))
SIDE_BY_SIDE = bundle(experiment(records([2.0, 2.0, 1.9, 2.1])))


def test_generators_side_by_side_are_merged_block_by_block() -> None:
    merged = merge([ONE, SIDE_BY_SIDE])
    (together,), (one,), (other,) = (each.experiments for each in (merged, ONE, SIDE_BY_SIDE))
    assert together.records == tuple(
        left.merged(right) for left, right in zip(one.records, other.records, strict=True)
    )
    assert together.plan == one.plan
    assert generators_of(merged.settings) == 2
    assert generators_of(ONE.settings) == 1


def test_two_generators_have_twice_the_throughput_and_the_same_latencies() -> None:
    alone, both = (
        judge(each).experiments["made-up"].arms["naive"]
        for each in (ONE, merge([ONE, SIDE_BY_SIDE]))
    )
    assert both.requests_per_second == 2 * alone.requests_per_second
    assert both.p50_ms == pytest.approx(alone.p50_ms, rel=0.01)


def test_a_merged_bundle_can_be_written_read_and_merged_again(tmp_path: Path) -> None:
    third = bundle(experiment(records([2.0, 2.0, 2.0, 2.0])))
    merged = merge([ONE, SIDE_BY_SIDE])
    write_bundle(tmp_path, merged)
    assert read_bundle(tmp_path) == merged
    assert merge([read_bundle(tmp_path), third]) == merge([ONE, SIDE_BY_SIDE, third])
    assert generators_of(merge([merged, third]).settings) == 3


def test_a_difference_that_one_generator_saw_is_kept() -> None:
    different = replace(
        SIDE_BY_SIDE,
        experiments=(replace(SIDE_BY_SIDE.experiments[0], answers_equal=False, difference="$.x"),),
    )
    (merged,) = merge([ONE, different]).experiments
    assert (merged.answers_equal, merged.difference) == (False, "$.x")


def test_different_machines_are_both_listed() -> None:
    other = replace(SIDE_BY_SIDE, machine={**MACHINE, "cores": 8})
    assert merge([ONE, other]).machine == {"processor": "Fast 9000", "cores": "4, 8"}


def test_a_merged_bundle_has_the_earlier_start() -> None:
    earlier = replace(SIDE_BY_SIDE, measured_at="2025-11-23T12:59:59+01:00")
    assert merge([ONE, earlier]).measured_at == "2025-11-23T12:59:59+01:00"


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        (replace(SIDE_BY_SIDE, settings={**SETTINGS, "seed": 8}), "the settings differ in seed"),
        (replace(SIDE_BY_SIDE, settings={**SETTINGS, "rate": 8}), "the settings differ in rate"),
        (replace(SIDE_BY_SIDE, git_revision="fed"), "they are of different revisions"),
        (bundle(experiment(records([1.0] * 5))), "the experiments or their blocks differ"),
        (bundle(experiment(records([1.0] * 4)[::-1])), "the experiments or their blocks differ"),
        (
            bundle(experiment(records([1.0] * 4), name="x")),
            "the experiments or their blocks differ",
        ),
        (
            replace(SIDE_BY_SIDE, measured_at="2025-11-23T12:00:03+00:00"),
            "they began 3 s apart, not side by side",
        ),
        (replace(SIDE_BY_SIDE, measured_at="yesterday"), "'yesterday' is no ISO 8601 time"),
        (ONE, "one of them is there twice"),
    ],
)
def test_runs_that_were_not_side_by_side_are_not_merged(other: Bundle, reason: str) -> None:
    with pytest.raises(BundleRefused) as caught:
        merge([ONE, other])
    assert str(caught.value) == f"cannot merge: {reason}"


def test_a_single_bundle_is_not_merged() -> None:
    with pytest.raises(BundleRefused, match="two bundles or more"):
        merge([ONE])
