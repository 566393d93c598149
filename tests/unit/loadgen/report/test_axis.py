"""Where values lie on an axis, and which values get a label."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loadgen.report.axis import Axis, axis_with_margin, parameter_axis


@pytest.mark.parametrize(("value", "pixel"), [(1, 100), (10, 200), (100, 300), (31.6228, 250)])
def test_equal_factors_are_equal_distances(value: float, pixel: float) -> None:
    assert Axis(1, 100, 100, 300).pixel(value) == pytest.approx(pixel, abs=0.01)


def test_an_axis_may_lead_upwards() -> None:
    axis = Axis(1, 100, 300, 100)
    assert axis.pixel(10) == pytest.approx(200)
    assert axis.pixel(100) == pytest.approx(100)


def test_a_value_outside_the_axis_lies_at_the_nearest_end() -> None:
    axis = Axis(1, 100, 0, 100)
    assert (axis.pixel(0.001), axis.pixel(1e9)) == (0, 100)


def test_a_margin_is_a_factor_at_both_ends() -> None:
    assert axis_with_margin([4, 2, 8], 10, 90, 2) == Axis(1, 16, 10, 90)
    assert axis_with_margin([2], 0, 1) == Axis(2 / 1.15, 2 * 1.15, 0, 1)


@pytest.mark.parametrize(
    ("values", "axis"),
    [
        ([10, 1, 100], Axis(1, 100, 0, 300)),
        ([5, 5], Axis(2.5, 10, 0, 300)),
        ([1], Axis(0.5, 2, 0, 300)),
        ([0], Axis(0, 1, 0, 300, shift=1)),
        ([-3], Axis(-3, -2, 0, 300, shift=4)),
        ([100, 0, 10], Axis(0, 100, 0, 300, shift=10)),
        ([-3, 4], Axis(-3, 4, 0, 300, shift=10)),
    ],
)
def test_the_axis_of_a_parameter_covers_its_values(values: list[float], axis: Axis) -> None:
    assert parameter_axis(values, 0, 300) == axis
    assert all(0 <= axis.pixel(value) <= 300 for value in values)


def test_zero_and_the_values_after_it_lie_apart_on_the_axis_of_a_parameter() -> None:
    axis = parameter_axis([0, 10, 100, 1000], 0, 300)
    pixels = [axis.pixel(value) for value in (0, 10, 100, 1000)]
    assert (pixels[0], pixels[-1]) == (0, 300)
    assert all(after - before > 40 for before, after in pairwise(pixels))


@settings(deadline=None)  # a busy machine may pause a test
@given(st.floats(1e-6, 1e6), st.floats(1.001, 1e9), st.sampled_from([30.0, 44.0, 60.0]))
def test_labels_lie_on_the_axis_and_far_enough_apart(low: float, factor: float, gap: float) -> None:
    axis = Axis(low, low * factor, 0, 600)
    values = axis.round_values(gap)
    pixels = [axis.pixel(value) for value in values]
    assert len(values) >= 2
    assert all(low <= value <= axis.high for value in values)
    assert all(after - before >= gap for before, after in pairwise(pixels))


@pytest.mark.parametrize(
    ("axis", "gap", "values"),
    [
        (axis_with_margin([0.9, 1.1], 0, 500), 44, [0.8, 0.9, 1.0, 1.1, 1.2]),
        (Axis(1, 8, 0, 400), 44, [2, 4, 6, 8]),
        (Axis(1, 8, 0, 900), 44, [1, 2, 3, 4, 5, 6, 7, 8]),
        (Axis(1, 8.1, 0, 400), 44, [1, 2, 5]),
        (Axis(10, 60, 0, 500), 44, [10, 20, 30, 40, 50, 60]),
        (Axis(100, 101, 0, 400), 44, [100, 100.2, 100.4, 100.6, 100.8, 101]),
        (Axis(0.1, 5, 0, 400), 44, [0.1, 0.2, 0.5, 1, 2, 5]),
        (Axis(1, 20, 0, 400), 44, [1, 2, 5, 10, 20]),
        (Axis(0.2, 400, 0, 400), 44, [0.3, 1, 3, 10, 30, 100, 300]),
        (Axis(0.2, 400, 0, 200), 44, [1, 10, 100]),
        (Axis(1, 1e9, 0, 400), 44, [10.0**exponent for exponent in range(10)]),
        (Axis(1, 1e9, 0, 380), 44, [1, 1e2, 1e4, 1e6, 1e8]),
        (Axis(1, 1e9, 0, 190), 44, [1, 1e3, 1e6, 1e9]),
        (Axis(1, 1e12, 0, 200), 60, [1, 1e4, 1e8, 1e12]),
        (Axis(1, 1e12, 0, 200), 80, [1, 1e6, 1e12]),
        (Axis(1, 1e12, 0, 90), 60, [1, 1e12]),
    ],
)
def test_labels_are_the_densest_round_values_that_fit(
    axis: Axis, gap: float, values: list[float]
) -> None:
    assert axis.round_values(gap) == values


def test_an_axis_without_two_round_values_has_labels_at_its_ends() -> None:
    assert Axis(1.5, 15, 0, 20).round_values(44) == [1.5, 15]


def test_values_too_close_to_the_one_before_are_dropped() -> None:
    assert Axis(1, 100, 0, 100).thinned([1, 2, 10, 11, 100], 40) == [1, 10, 100]
    assert Axis(1, 100, 0, 100).thinned([1, 10, 100], 50) == [1, 10, 100]
    assert Axis(1, 100, 0, 100).thinned([1, 10, 100], 50.1) == [1, 100]
