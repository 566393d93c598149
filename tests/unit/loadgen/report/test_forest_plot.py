"""Where the forest plot puts ratios, intervals, noise floors and texts."""

import math

import pytest

from loadgen.report.forest_plot import ForestRow, forest_plot
from loadgen.report.plot import NARROW, WIDE
from tests.unit.loadgen.report.drawing import drawn_svg, positions, shapes, texts
from tests.unit.loadgen.report.sample import ratio

ROWS = [
    ForestRow("twice", ratio(2, 1.5, 2.6), ratio(1, 0.98, 1.02), "arm candidate0"),
    ForestRow("half", ratio(0.5, 0.4, 0.6), None, "arm candidate0"),
    ForestRow("broken", None, None, "", "invalid"),
]


@pytest.fixture(params=[WIDE, NARROW], ids=["wide", "narrow"])
def width(request: pytest.FixtureRequest) -> int:
    value: int = request.param
    return value


def test_twice_lies_as_far_right_of_one_as_half_lies_left(width: int) -> None:
    plot = forest_plot("f", "title", ROWS, width)
    twice, half = (row.estimate for row in plot.rows[:2])
    assert twice is not None
    assert half is not None
    assert twice - plot.one == pytest.approx(plot.one - half)
    assert twice > plot.one


def test_the_whisker_covers_the_interval() -> None:
    plot = forest_plot("f", "title", ROWS, WIDE)
    interval = plot.rows[0].interval
    assert interval
    reach = (interval.right - plot.one) / (interval.left - plot.one)
    assert reach == pytest.approx(math.log(2.6) / math.log(1.5))


def test_the_band_of_the_noise_floor_covers_its_interval() -> None:
    plot = forest_plot("f", "title", ROWS, WIDE)
    band = plot.rows[0].noise_floor
    assert band
    assert (band.left, band.right) == (plot.axis.pixel(0.98), plot.axis.pixel(1.02))
    assert band.left < plot.one < band.right


def test_a_thin_noise_floor_is_widened_to_two_pixels() -> None:
    rows = [ForestRow("exact", ratio(2, 1, 4), ratio(1, 1, 1), "arm candidate0")]
    plot = forest_plot("f", "title", rows, WIDE)
    band = plot.rows[0].noise_floor
    assert band
    assert (band.left, band.right) == pytest.approx((plot.one - 1, plot.one + 1))


def test_a_row_without_a_ratio_shows_its_fallback(width: int) -> None:
    plot = forest_plot("f", "title", ROWS, width)
    assert (plot.rows[2].figures, plot.rows[2].interval, plot.rows[2].estimate) == (
        "invalid",
        None,
        None,
    )
    assert "invalid" in texts(drawn_svg(plot))


def test_the_drawing_has_a_mark_and_a_whisker_for_each_ratio(width: int) -> None:
    plot = forest_plot("f", "title", ROWS, width)
    root = drawn_svg(plot)
    marks, whiskers = shapes(root, "circle", "mark"), shapes(root, "line", "whisker")
    assert positions(marks, "cx") == [
        pytest.approx(row.estimate, abs=0.06) for row in plot.rows[:2]
    ]
    assert (
        positions(marks, "cy")
        == positions(whiskers, "y1")
        == [row.middle_y for row in plot.rows[:2]]
    )
    assert len(shapes(root, "rect", "noise")) == len(shapes(root, "line", "one")) == 1


def test_a_very_wide_interval_does_not_squeeze_the_others() -> None:
    rows = [ForestRow("wild", ratio(1.1, 1e-6, 1e6), None, "arm candidate0"), *ROWS[:2]]
    plot = forest_plot("f", "title", rows, WIDE)
    estimates = [row.estimate for row in plot.rows if row.estimate is not None]
    assert max(estimates) - min(estimates) > 50
    assert (plot.axis.low, plot.axis.high) == pytest.approx((0.5 / 6 / 1.15, 2 * 6 * 1.15))


def test_the_axis_covers_at_least_ten_percent_around_one(width: int) -> None:
    rows = [ForestRow("same", ratio(1, 0.999, 1.001), None, "arm candidate0")]
    axis = forest_plot("f", "title", rows, width).axis
    assert (axis.low, axis.high) == pytest.approx((0.9 / 1.15, 1.1 * 1.15))


def test_a_wide_plot_has_its_texts_beside_the_axis() -> None:
    plot = forest_plot("f", "title", ROWS, WIDE)
    assert plot.axis.start == pytest.approx(7.2 * len("broken") + 24)
    assert plot.axis.end == pytest.approx(900 - 7.2 * len("2.00× (1.50–2.60)") - 24)
    assert [row.text_y for row in plot.rows] == [41, 71, 101]
    assert [row.middle_y for row in plot.rows] == [37, 67, 97]
    assert (plot.top, plot.bottom, plot.frame.height) == (22, 112, 136)


def test_a_narrow_plot_has_its_texts_above_each_interval() -> None:
    plot = forest_plot("f", "title", ROWS, NARROW)
    assert (plot.axis.start, plot.axis.end) == (20, 320)
    assert [row.text_y for row in plot.rows] == [38, 82, 126]
    assert [row.middle_y for row in plot.rows] == [54, 98, 142]
    assert (plot.top, plot.bottom, plot.frame.height) == (22, 154, 178)


@pytest.mark.parametrize(("width", "letters"), [(WIDE, 38), (NARROW, 29)])
def test_a_long_label_is_shortened_to_the_space_it_has(width: int, letters: int) -> None:
    rows = [ForestRow("x" * 100, ratio(2, 1.5, 2.6), None, "arm candidate0")]
    plot = forest_plot("f", "title", rows, width)
    assert len(plot.rows[0].label) == letters
    assert plot.axis.start == (280 + 24 if width == WIDE else 20)


def test_labels_of_the_axis_are_round_ratios() -> None:
    labels = [tick.label for tick in forest_plot("f", "title", ROWS, WIDE).ticks]
    assert labels == ["0.5×", "1×", "2×"]


def test_the_words_worse_and_better_stand_only_where_they_have_space() -> None:
    both = texts(drawn_svg(forest_plot("f", "title", ROWS, WIDE)))
    assert {"← worse", "better →"} <= set(both)
    far = [ForestRow("fast", ratio(500, 400, 600), None, "arm candidate0")]
    one_side = texts(drawn_svg(forest_plot("f", "title", far, WIDE)))
    assert "better →" in one_side
    assert "← worse" not in one_side


def test_the_description_lists_each_row() -> None:
    description = forest_plot("f", "title", ROWS, WIDE).frame.description
    assert description == (
        "twice: 2.00× (1.50–2.60), noise floor 0.98–1.02; half: 0.50× (0.40–0.60); broken: invalid."
    )
