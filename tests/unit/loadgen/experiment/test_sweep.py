"""Sweeps: what is asked for is what is measured, and a break-even point is shown or not claimed."""

import math
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadgen.experiment.sweep import (
    Point,
    break_even,
    document,
    finding,
    parse_sweep,
    steps,
)
from services.catalog import BY_NAME, TECHNIQUES
from services.contract import Constant, Sweep
from tests.unit.services.example_technique import MADE_UP

#: A ratio for which a difference is shown, and one for which none is.
FASTER, SLOWER, UNCERTAIN = (2.0, 1.9, 2.1), (0.5, 0.48, 0.52), (1.02, 0.9, 1.1)


def points(ratios: Mapping[float, tuple[float, float, float]]) -> list[Point]:
    return [Point(value, *ratio) for value, ratio in ratios.items()]


# What is asked for


def test_values_are_read_in_order_each_once() -> None:
    sweep = parse_sweep(" posts = 100, 1,10,1 ", BY_NAME["n-plus-one"])
    assert (sweep.parameter, sweep.values) == ("posts", (1, 10, 100))


def test_other_values_of_the_declared_sweep_keep_what_else_it_says() -> None:
    technique = BY_NAME["connection-pooling"]
    sweep = parse_sweep("milliseconds=1,2", technique)
    assert sweep.values == (1, 2)
    assert sweep.concurrency == technique.sweep.concurrency
    assert sweep.description == technique.sweep.description


def test_any_other_number_may_be_swept() -> None:
    for name in ("id", "concurrency", "link"):
        sweep = parse_sweep(f"{name}=1,2", BY_NAME["connection-pooling"])
        assert sweep == Sweep(name, (1, 2), sweep.description)
        assert sweep.description


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("rows", "'rows' is no sweep: write it as count=1,3,10"),
        ("rows=1,2", "made-up has no number 'rows' to sweep; there are count, concurrency, link"),
        ("cursor=1,2", "made-up has no number 'cursor' to sweep; "),
        ("count=", "count: '' is not a whole number from 1 to 10"),
        ("count=1,,2", "count: '' is not a whole number from 1 to 10"),
        ("count=1,1e1", "count: '1e1' is not a whole number from 1 to 10"),
        ("count=0,1", "count: '0' is not a whole number from 1 to 10"),
        ("count=1,11", "count: '11' is not a whole number from 1 to 10"),
        ("count=1=2", "count: '1=2' is not a whole number from 1 to 10"),
        ("concurrency=1,1001", "concurrency: '1001' is not a whole number from 1 to 1000"),
        ("count=3,3", "count: a sweep needs 2 to 50 different values"),
        (f"link={','.join(map(str, range(1, 52)))}", "link: a sweep needs 2 to 50 different"),
    ],
)
def test_what_cannot_be_swept_is_refused_with_what_can(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=r".+") as raised:
        parse_sweep(text, MADE_UP)
    assert str(raised.value).startswith(message)


@given(st.text())
def test_any_text_is_a_sweep_within_the_bounds_or_refused(text: str) -> None:
    try:
        sweep = parse_sweep(f"count={text}", MADE_UP)
    except ValueError:
        return
    assert all(1 <= value <= 10 for value in sweep.values)


# What is measured


def test_a_parameter_is_sent_with_each_request_in_place_of_the_draw() -> None:
    made = steps(MADE_UP, MADE_UP.sweep)
    assert [step.value for step in made] == [1, 3, 10]
    assert [step.technique.workload.draws for step in made] == [
        {"count": Constant(value)} for value in (1, 3, 10)
    ]
    assert {(step.concurrency, step.link_bits_per_second) for step in made} == {(None, None)}


def test_the_rest_of_the_workload_stays_or_is_what_the_sweep_says() -> None:
    sweep = Sweep("count", (1, 2), "", {"cursor": Constant("")}, concurrency=9)
    for step in steps(MADE_UP, sweep):
        assert step.technique.workload.draws["cursor"] == Constant("")
        assert step.technique.workload.description == MADE_UP.workload.description
        assert step.concurrency == 9


def test_clients_and_link_belong_to_the_load_and_are_not_sent() -> None:
    clients = steps(MADE_UP, Sweep("concurrency", (1, 8), "", concurrency=4))
    assert [step.concurrency for step in clients] == [1, 8]
    links = steps(MADE_UP, Sweep("link", (1, 10), "", concurrency=4))
    assert [step.link_bits_per_second for step in links] == [1e6, 1e7]
    assert {step.concurrency for step in links} == {4}
    for step in (*clients, *links):
        assert step.technique == MADE_UP


@pytest.mark.parametrize("technique", TECHNIQUES, ids=lambda each: each.name)
def test_the_declared_sweep_of_a_technique_can_be_asked_for_by_name(technique: Any) -> None:
    sweep = technique.sweep
    listed = ",".join(map(str, sweep.values))
    assert parse_sweep(f"{sweep.parameter}={listed}", technique) == sweep


# Where it breaks even


def test_a_straight_line_is_met_where_it_crosses_one() -> None:
    """A ratio of value / 12 with bounds a fifth above and below it."""
    values = (1, 3, 10, 30, 100)
    line = [Point(value, value / 12, value / 12 / 1.2, value / 12 * 1.2) for value in values]
    place = break_even(line)
    assert place is not None
    assert place.estimate == pytest.approx(12)
    assert (place.low, place.high) == pytest.approx((10, 14.4))


def test_so_it_is_where_a_technique_ceases_to_pay() -> None:
    line = [Point(v, 12 / v, 12 / v / 1.2, 12 / v * 1.2) for v in (1, 3, 10, 30, 100)]
    place = break_even(line)
    assert place is not None
    assert (place.low, place.estimate, place.high) == pytest.approx((10, 12, 14.4))


@given(
    crossing=st.floats(2, 5000),
    power=st.sampled_from((-2.0, -0.5, 0.5, 2.0)),
    width=st.floats(1.001, 1.3),
)
def test_the_interval_holds_the_crossing_wherever_it_is(
    crossing: float, power: float, width: float
) -> None:
    curve = [
        Point(value, ratio, ratio / width, ratio * width)
        for value in (1, 10, 100, 1000, 10_000)
        for ratio in [(value / crossing) ** power]
    ]
    place = break_even(curve)
    if place is None:  # within the interval of the first or the last value
        ends = [curve[0].verdict, curve[-1].verdict]
        assert "no difference shown" in ends
        return
    assert place.low < place.estimate < place.high
    assert place.estimate == pytest.approx(crossing, rel=1e-6)
    assert place.high / place.estimate == pytest.approx(width ** (1 / abs(power)), rel=1e-6)


def test_below_the_first_value_above_zero_the_line_is_straight_in_the_value_itself() -> None:
    place = break_even(points({0: (0.5, 0.4, 0.6), 10: (2.0, 1.9, 2.1)}))
    assert place is not None
    assert place.estimate == pytest.approx(5)
    assert 0 < place.low < 5 < place.high < 10


def test_uncertain_values_between_widen_the_interval() -> None:
    place = break_even(points({1: SLOWER, 10: UNCERTAIN, 100: UNCERTAIN, 1000: FASTER}))
    assert place is not None
    assert 1 < place.low < 10 < 100 < place.high < 1000
    assert place.low < place.estimate < place.high


@pytest.mark.parametrize(
    "ratios",
    [
        {},
        {1: FASTER},
        {1: FASTER, 10: FASTER},
        {1: UNCERTAIN, 10: UNCERTAIN},
        {1: (0.97, 0.9, 1.04), 10: FASTER, 100: FASTER},
        {1: FASTER, 10: SLOWER, 100: FASTER},
    ],
)
def test_without_a_difference_shown_on_both_sides_none_is_claimed(
    ratios: Mapping[float, tuple[float, float, float]],
) -> None:
    assert break_even(points(ratios)) is None


@pytest.mark.parametrize(
    ("ratios", "words"),
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
    ],
)
def test_what_was_shown_where_is_said_in_words(
    ratios: Mapping[float, tuple[float, float, float]], words: str
) -> None:
    assert finding(points(ratios)) == words


# What is kept


def judged(ratio: tuple[float, float, float], verdict: str = "faster") -> dict[str, Any]:
    spread = dict(zip(("estimate", "low", "high"), ratio, strict=True))
    arms = {"naive": 4.0, "optimized": 4.0 / ratio[0], "control": 4.1}
    return {
        "arms": {name: {"p50_ms": p50, "p99_ms": 9.0} for name, p50 in arms.items()},
        "comparisons": {
            "control": {"p50": {}},
            "optimized": {"p50": spread | {"n": 8}, "verdict": verdict},
        },
        "verdict": verdict,
        "reason": "",
    }


def test_a_sweep_is_kept_as_curves_with_their_break_even_point() -> None:
    kept = document(MADE_UP.sweep, {10: judged(FASTER), 1: judged(SLOWER, "slower")})
    assert kept["parameter"] == "count"
    assert kept["candidate"] == "optimized"
    assert kept["note"] == "one in range: slower at 1, faster at 10"
    entries: Any = kept["points"]
    assert [entry["value"] for entry in entries] == [1, 10]
    assert entries[1]["ratio"] == {"estimate": 2.0, "low": 1.9, "high": 2.1}
    assert entries[1]["arms"]["optimized"] == {"p50_ms": 2.0}
    place: Any = kept["break_even"]
    assert 1 < place["low"] < place["estimate"] < place["high"] < 10
    assert place["estimate"] == pytest.approx(math.sqrt(10))


def test_a_value_that_could_not_be_judged_is_kept_without_a_ratio() -> None:
    invalid = {"verdict": "invalid", "reason": "too late"}
    kept = document(MADE_UP.sweep, {1: judged(SLOWER, "slower"), 3: invalid, 10: judged(FASTER)})
    entries: Any = kept["points"]
    assert (entries[1]["ratio"], entries[1]["reason"]) == (None, "too late")
    assert kept["break_even"] is not None
    nothing = document(MADE_UP.sweep, {1: invalid, 3: judged(FASTER, "invalid")})
    assert (nothing["break_even"], nothing["note"]) == (None, "nothing was measured")
