"""Where values lie on an axis, and which of them are named."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadgen.report.axes import Axis, spanning, spanning_from_zero


@pytest.mark.parametrize(("value", "pixel"), [(1, 100), (10, 200), (100, 300), (31.6228, 250)])
def test_equal_factors_are_equal_distances(value: float, pixel: float) -> None:
    assert Axis(1, 100, 100, 300).place(value) == pytest.approx(pixel, abs=0.01)


def test_an_axis_may_lead_upwards() -> None:
    axis = Axis(1, 100, 300, 100)
    assert axis.place(10) == pytest.approx(200)
    assert axis.place(100) == pytest.approx(100)


def test_what_lies_beyond_an_end_is_drawn_there() -> None:
    axis = Axis(1, 100, 0, 100)
    assert (axis.place(0.001), axis.place(1e9)) == (0, 100)


def test_an_axis_may_begin_at_zero() -> None:
    axis = spanning_from_zero([0, 10, 100, 1000], 0, 300)
    places = [axis.place(value) for value in (0, 10, 100, 1000)]
    assert places == sorted(places)
    assert (places[0], places[-1]) == (0, 300)


@pytest.mark.parametrize("values", [[5], [0], [0, 1], [-3, 4]])
def test_any_values_can_be_swept(values: list[float]) -> None:
    axis = spanning_from_zero(values, 0, 100)
    assert all(0 <= axis.place(value) <= 100 for value in values)


@given(st.floats(1e-6, 1e6), st.floats(1.001, 1e9), st.sampled_from([30.0, 44.0, 60.0]))
def test_ticks_are_inside_and_far_enough_apart(low: float, factor: float, gap: float) -> None:
    axis = Axis(low, low * factor, 0, 600)
    ticks = axis.ticks(gap)
    places = [axis.place(tick) for tick in ticks]
    assert len(ticks) >= 2
    assert all(low <= tick <= axis.high for tick in ticks)
    assert all(after - before >= gap for before, after in pairwise(places))


def test_ticks_are_round() -> None:
    assert spanning([0.9, 1.1], 0, 500).ticks(44) == [0.8, 0.9, 1.0, 1.1, 1.2]
    assert Axis(0.2, 400, 0, 400).ticks(44) == [0.3, 1, 3, 10, 30, 100, 300]


def test_labels_that_would_touch_are_left_out() -> None:
    assert Axis(1, 100, 0, 100).labelled([1, 2, 10, 11, 100], 40) == [1, 10, 100]
