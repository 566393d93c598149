"""The judgement's types, the verdict rule, and the break-even of a sweep."""

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct
from msgspec.structs import replace

from loadgen.judgement import (
    CONTROL,
    MINIMUM_EFFECT,
    QUANTITIES,
    BreakEven,
    Comparison,
    Ratio,
    SweepPoint,
    Verdict,
    break_even,
    break_even_note,
    decode_judgement,
    decode_sweeps,
    encode,
    sweeps_without_experiment,
    verdict_from,
)
from tests.unit.loadgen.report import sample

NOISE = Ratio(1.0, 0.9, 1.1)

# The verdict rule


@pytest.mark.parametrize(
    ("arm", "control", "verdict"),
    [
        (Ratio(1.5, 1.2, 1.9), NOISE, Verdict.FASTER),
        (Ratio(1.5, 1.2, 1.9), Ratio(1.1, 0.9, 1.3), Verdict.NO_DIFFERENCE_SHOWN),
        (Ratio(0.7, 0.6, 0.8), NOISE, Verdict.SLOWER),
        (Ratio(0.7, 0.6, 0.8), Ratio(0.9, 0.75, 1.1), Verdict.NO_DIFFERENCE_SHOWN),
        (Ratio(1.03, 1.01, 1.05), Ratio(1.0, 0.99, 1.01), Verdict.NO_DIFFERENCE_SHOWN),
        (Ratio(0.97, 0.95, 0.99), Ratio(1.0, 0.99, 1.01), Verdict.NO_DIFFERENCE_SHOWN),
        (Ratio(1.5, 0.9, 2.5), NOISE, Verdict.NO_DIFFERENCE_SHOWN),
    ],
)
def test_a_difference_exceeds_both_the_control_and_the_minimum_effect(
    arm: Ratio, control: Ratio, verdict: Verdict
) -> None:
    assert verdict_from(arm, control) is verdict


@pytest.mark.parametrize(
    ("arm", "verdict"),
    [
        (Ratio(1.2, 1.1, 1.3), Verdict.NO_DIFFERENCE_SHOWN),
        (Ratio(1.2, math.nextafter(1.1, 2), 1.3), Verdict.FASTER),
        (Ratio(0.85, 0.8, 0.9), Verdict.NO_DIFFERENCE_SHOWN),
        (Ratio(0.85, 0.8, math.nextafter(0.9, 0)), Verdict.SLOWER),
    ],
)
def test_an_interval_that_touches_the_controls_shows_no_difference(
    arm: Ratio, verdict: Verdict
) -> None:
    assert verdict_from(arm, NOISE) is verdict


@pytest.mark.parametrize("control", [None, Ratio(1.0, 0.999, 1.001)])
@pytest.mark.parametrize(
    ("arm", "verdict"),
    [
        (Ratio(1.5, 1.2, 1.9), Verdict.FASTER),
        (Ratio(0.7, 0.6, 0.8), Verdict.SLOWER),
        (Ratio(1.1, 1.02, 1.2), Verdict.NO_DIFFERENCE_SHOWN),
        (Ratio(1.1, math.nextafter(1.02, 2), 1.2), Verdict.FASTER),
        (Ratio(0.9, 0.8, 1 / 1.02), Verdict.NO_DIFFERENCE_SHOWN),
        (Ratio(0.9, 0.8, math.nextafter(1 / 1.02, 0)), Verdict.SLOWER),
    ],
)
def test_with_a_quiet_control_or_none_the_minimum_effect_is_two_percent(
    arm: Ratio, control: Ratio | None, verdict: Verdict
) -> None:
    assert MINIMUM_EFFECT == 0.02
    assert verdict_from(arm, control) is verdict


# Looking into a judgement

EXPERIMENT = sample.experiment(sample.TECHNIQUES["caching"])
INVALID = replace(EXPERIMENT, verdict=Verdict.INVALID, reason="too late")
SEVERAL = replace(
    EXPERIMENT,
    arms=dict.fromkeys((CONTROL, "optimized", "naive", "two-tier", "b"), EXPERIMENT.arms["naive"]),
)


def test_arms_are_the_baseline_the_candidates_and_the_control_in_this_order() -> None:
    assert SEVERAL.candidates == ["optimized", "two-tier", "b"]
    assert SEVERAL.arms_in_order == ["naive", "optimized", "two-tier", "b", CONTROL]


def test_without_arms_the_candidates_are_those_that_were_compared() -> None:
    assert replace(EXPERIMENT, arms={}).candidates == ["optimized"]
    assert replace(EXPERIMENT, arms={}).arms_in_order == []


def test_ratios_and_noise_are_looked_up_by_quantity() -> None:
    comparison = sample.comparison(Ratio(2.614, 2.188, 3.403), Verdict.FASTER)
    for name in QUANTITIES:
        assert EXPERIMENT.ratio("optimized", name) == comparison.of(name)
    assert EXPERIMENT.noise("p99") == Ratio(1.01, 0.92, 1.13)
    assert replace(EXPERIMENT, noise_floor=None).noise("p99") is None


def test_an_invalid_experiment_has_no_ratio_and_one_verdict() -> None:
    assert INVALID.is_invalid
    assert INVALID.ratio("optimized", "p50") is None
    assert INVALID.verdict_of("optimized") is Verdict.INVALID
    assert not EXPERIMENT.is_invalid


def test_an_arm_that_was_not_compared_has_no_ratio_and_the_experiments_verdict() -> None:
    assert EXPERIMENT.ratio("two-tier", "p50") is None
    assert EXPERIMENT.verdict_of("two-tier") is Verdict.FASTER


def test_each_arm_has_its_own_verdict() -> None:
    slower = replace(EXPERIMENT.comparisons["optimized"], verdict=Verdict.SLOWER)
    both = replace(EXPERIMENT, comparisons={**EXPERIMENT.comparisons, "two-tier": slower})
    assert both.verdict_of("optimized") is Verdict.FASTER
    assert both.verdict_of("two-tier") is Verdict.SLOWER


def test_an_overview_has_the_first_candidate_of_each_experiment() -> None:
    judgement = sample.judgement({"caching": SEVERAL, "other": EXPERIMENT})
    overview = judgement.with_first_candidates()
    assert list(overview.experiments["caching"].arms) == [CONTROL, "optimized", "naive"]
    assert overview.experiments["other"] == EXPERIMENT
    assert replace(overview, experiments=judgement.experiments) == judgement


def test_a_sweep_without_its_experiment_is_that_of_a_whole_run() -> None:
    judgement = sample.judgement({"caching": EXPERIMENT})
    sweeps = {"caching": sample.sweep(), "pagination": sample.sweep()}
    assert sweeps_without_experiment(judgement, sweeps).keys() == {"pagination"}


# The break-even of a sweep

#: A ratio for which a difference is shown, and one for which none is.
FASTER, SLOWER, UNCERTAIN = Ratio(2.0, 1.9, 2.1), Ratio(0.5, 0.48, 0.52), Ratio(1.02, 0.9, 1.1)


def points(ratios: Mapping[int, Ratio]) -> list[SweepPoint]:
    return [
        SweepPoint(value, {}, ratio, verdict_from(ratio, None), "")
        for value, ratio in ratios.items()
    ]


def line(values: Sequence[int], power: float, crossing: float, width: float) -> list[SweepPoint]:
    """A ratio that is 1 at `crossing`; its bounds lie a factor of `width` above and below."""
    ratios = {value: (value / crossing) ** power for value in values}
    return points(
        {value: Ratio(ratio, ratio / width, ratio * width) for value, ratio in ratios.items()}
    )


VALUES = (1, 3, 10, 30, 100)


@pytest.mark.parametrize("power", [1, -1], ids=["begins-to-pay", "ceases-to-pay"])
def test_a_straight_line_breaks_even_where_it_crosses_1(power: int) -> None:
    place = break_even(line(VALUES, power, crossing=12, width=1.2))
    assert place is not None
    assert (place.low, place.estimate, place.high) == pytest.approx((10, 12, 14.4))


@given(
    crossing=st.floats(2, 5000),
    power=st.sampled_from((-2.0, -0.5, 0.5, 2.0)),
    width=st.floats(1.001, 1.3),
)
def test_the_interval_contains_the_crossing_wherever_it_is(
    crossing: float, power: float, width: float
) -> None:
    curve = line((1, 10, 100, 1000, 10_000), power, crossing, width)
    place = break_even(curve)
    if place is None:  # the first or the last value shows no difference
        assert Verdict.NO_DIFFERENCE_SHOWN in (curve[0].verdict, curve[-1].verdict)
        return
    assert place.low < place.estimate < place.high
    assert place.estimate == pytest.approx(crossing, rel=1e-6)
    assert place.high / place.estimate == pytest.approx(width ** (1 / abs(power)), rel=1e-6)


def test_between_zero_and_the_next_value_the_scale_is_linear() -> None:
    place = break_even(points({0: Ratio(0.5, 0.4, 0.6), 10: FASTER}))
    assert place is not None
    assert place.estimate == pytest.approx(5)
    assert 0 < place.low < 5 < place.high < 10


def test_uncertain_points_widen_the_interval() -> None:
    place = break_even(points({1: SLOWER, 10: UNCERTAIN, 100: UNCERTAIN, 1000: FASTER}))
    assert place is not None
    assert 1 < place.low < 10 < 100 < place.high < 1000
    assert place.low < place.estimate < place.high


def test_of_three_crossings_the_middle_one_is_the_estimate() -> None:
    above, below = Ratio(1.01, 0.9, 1.1), Ratio(1 / 1.01, 0.9, 1.1)
    place = break_even(points({1: SLOWER, 10: above, 100: below, 1000: FASTER}))
    assert place is not None
    assert place.estimate == pytest.approx(math.sqrt(10 * 100))


def test_a_point_at_exactly_1_is_crossed_once() -> None:
    place = break_even(points({1: SLOWER, 10: Ratio(1.0, 0.9, 1.1), 100: FASTER}))
    assert place is not None
    assert place.estimate == pytest.approx(10)


def test_points_without_a_ratio_are_left_out() -> None:
    invalid = SweepPoint(10, {}, None, Verdict.INVALID, "too late")
    first, last = points({1: SLOWER, 100: FASTER})
    assert break_even([first, invalid, last]) == break_even([first, last])
    assert break_even_note([first, invalid, last]) == "one in range: slower at 1, faster at 100"


@pytest.mark.parametrize(
    "ratios",
    [
        {},
        {1: FASTER},
        {1: FASTER, 10: FASTER},
        {1: UNCERTAIN, 10: UNCERTAIN},
        {1: Ratio(0.97, 0.9, 1.04), 10: FASTER, 100: FASTER},
        {1: FASTER, 10: SLOWER, 100: FASTER},
    ],
)
def test_without_one_difference_on_each_side_there_is_no_break_even(
    ratios: Mapping[int, Ratio],
) -> None:
    assert break_even(points(ratios)) is None


@pytest.mark.parametrize(
    ("ratios", "note"),
    [
        ({}, "nothing was measured"),
        ({1: FASTER, 10: FASTER}, "none in range: faster at 1 to 10"),
        (
            {0: UNCERTAIN, 1: FASTER, 10: FASTER},
            "none in range: no difference shown at 0, faster at 1 to 10",
        ),
        ({1: FASTER, 10: SLOWER}, "one in range: faster at 1, slower at 10"),
        (
            {1: FASTER, 3: SLOWER, 10: FASTER},
            "several in range: faster at 1, slower at 3, faster at 10",
        ),
        (
            {1: FASTER, 3: SLOWER, 10: FASTER, 30: SLOWER},
            "several in range: faster at 1, slower at 3, faster at 10, slower at 30",
        ),
    ],
)
def test_a_note_lists_the_verdicts_by_value(ratios: Mapping[int, Ratio], note: str) -> None:
    assert break_even_note(points(ratios)) == note


def test_a_break_even_is_written_with_its_interval() -> None:
    sweep = sample.sweep(Ratio(12, 9, 15))
    assert sweep.break_even == BreakEven(12, 9, 15)


# JSON


def test_a_judgement_is_decoded_as_it_was_encoded() -> None:
    judgement = sample.judgement({"caching": EXPERIMENT, "broken": sample.unmeasured("x", "y")})
    assert decode_judgement(encode(judgement)) == judgement
    sweeps = {"caching": sample.sweep(Ratio(12, 9, 15), "one")}
    assert decode_sweeps(encode(sweeps)) == sweeps


def test_json_is_indented_and_ends_with_a_newline() -> None:
    text = encode(sample.judgement())
    options = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
    assert text == orjson.dumps(orjson.loads(text), option=options)


def as_json(value: Any) -> Any:
    return orjson.loads(encode(value))


def test_json_has_the_keys_that_other_programs_read() -> None:
    document = as_json(sample.judgement({"caching": EXPERIMENT}))
    assert list(document) == [
        "measured_at",
        "git_revision",
        "machine",
        "settings",
        "experiments",
    ]
    experiment = document["experiments"]["caching"]
    assert list(experiment) == [
        "title",
        "workload",
        "baseline",
        "answers_equal",
        "difference",
        "arms",
        "comparisons",
        "noise_floor",
        "audit",
        "verdict",
        "reason",
    ]
    assert list(experiment["arms"]["naive"]) == [
        "p50_ms",
        "p95_ms",
        "p99_ms",
        "mean_ms",
        "requests_per_second",
        "requests",
        "errors",
        "bytes_per_response",
        "receipts",
    ]
    comparison = experiment["comparisons"]["optimized"]
    assert list(comparison) == ["p50", "p95", "p99", "throughput", "verdict"]
    assert list(comparison["p50"]) == ["estimate", "low", "high"]
    assert comparison["verdict"] == experiment["verdict"] == "faster"
    assert list(experiment["noise_floor"]) == ["p50", "p95", "p99", "throughput"]
    assert list(experiment["audit"][0]) == ["check", "value", "limit", "ok"]


def test_json_of_a_sweep_has_the_keys_that_other_programs_read() -> None:
    sweep = as_json({"caching": sample.sweep(Ratio(12, 9, 15))})["caching"]
    assert list(sweep) == [
        "parameter",
        "description",
        "candidate",
        "points",
        "break_even",
        "note",
    ]
    assert list(sweep["points"][0]) == ["value", "arms", "ratio", "verdict", "reason"]
    assert sweep["points"][0]["arms"]["naive"] == {"p50_ms": 0.31}
    assert sweep["points"][0]["value"] == 1
    assert list(sweep["break_even"]) == ["estimate", "low", "high"]


def test_unknown_keys_of_another_version_are_ignored() -> None:
    document = as_json(sample.judgement({"caching": EXPERIMENT}))
    document["author"] = "unknown"
    document["experiments"]["caching"]["colour"] = "red"
    document["experiments"]["caching"]["arms"]["naive"]["p999_ms"] = 9.0
    del document["experiments"]["caching"]["noise_floor"]
    decoded = decode_judgement(orjson.dumps(document))
    assert decoded.experiments["caching"] == replace(EXPERIMENT, noise_floor=None)


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"{}", b'{"measured_at": 7}'])
def test_a_text_that_is_no_judgement_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        decode_judgement(text)


def test_a_comparison_looks_up_each_quantity() -> None:
    four = {name: Ratio(place, 1.0, 9.0) for place, name in enumerate(QUANTITIES)}
    comparison = Comparison(**four, verdict=Verdict.FASTER)
    assert {name: comparison.of(name) for name in QUANTITIES} == four


@pytest.mark.parametrize(
    "value", [sample.judgement(), EXPERIMENT, *EXPERIMENT.audit, sample.sweep(Ratio(12, 9, 15))]
)
def test_a_judgement_cannot_be_changed(value: Struct) -> None:
    for part in _parts(value):
        assert part.__struct_config__.frozen, type(part)


def _parts(value: object) -> Iterator[Struct]:
    """The struct and all structs inside."""
    if isinstance(value, Struct):
        yield value
        for name in value.__struct_fields__:
            yield from _parts(getattr(value, name))
    elif isinstance(value, Mapping):
        yield from chain.from_iterable(map(_parts, value.values()))
    elif isinstance(value, tuple):
        yield from chain.from_iterable(map(_parts, value))
