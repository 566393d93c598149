"""Where the sweep plot puts medians and the break-even value."""

from itertools import pairwise

import pytest
from msgspec.structs import replace

from loadgen.report.plot import NARROW, WIDE
from loadgen.report.sweep_plot import description, sweep_plot
from tests.unit.loadgen.report.drawing import drawn_svg, points, positions, shapes, texts
from tests.unit.loadgen.report.sample import ratio, sweep

STYLES = {"naive": "arm baseline", "optimized": "arm candidate0"}


@pytest.fixture(params=[WIDE, NARROW], ids=["wide", "narrow"])
def width(request: pytest.FixtureRequest) -> int:
    value: int = request.param
    return value


def test_each_arm_has_a_point_for_each_value(width: int) -> None:
    plot = sweep_plot("c", "title", sweep(), STYLES, width)
    assert [line.style for line in plot.lines] == list(STYLES.values())
    for line in plot.lines:
        steps = [after - before for (before, _), (after, _) in pairwise(line.points)]
        assert steps == pytest.approx([steps[0]] * 4)


def test_a_higher_median_lies_higher(width: int) -> None:
    naive, optimized = sweep_plot("c", "title", sweep(), STYLES, width).lines
    heights = [y for _, y in naive.points]
    assert heights == sorted(heights, reverse=True)
    assert naive.points[-1][1] < optimized.points[-1][1]


def test_the_drawing_has_a_line_and_marks_for_each_arm(width: int) -> None:
    plot = sweep_plot("c", "title", sweep(), STYLES, width)
    root = drawn_svg(plot)
    assert len(shapes(root, "rect", "mark")) == len(shapes(root, "circle", "mark")) == 5
    (line,) = shapes(root, "polyline", "baseline")
    assert [x for x, _ in points(line)] == pytest.approx(
        [x for x, _ in plot.lines[0].points], abs=0.06
    )
    assert positions(shapes(root, "circle", "mark"), "cy") == pytest.approx(
        [y for _, y in plot.lines[1].points], abs=0.06
    )


@pytest.mark.parametrize(("width", "bottom"), [(WIDE, 310), (NARROW, 250)])
def test_the_plotting_area_leaves_space_for_the_labels(width: int, bottom: int) -> None:
    plot = sweep_plot("c", "title", sweep(), STYLES, width)
    assert (plot.across.start, plot.across.end) == (48, width - 26)
    assert (plot.upward.start, plot.upward.end) == (bottom, 30)
    assert plot.frame.height == bottom + 44
    assert (plot.upward.low, plot.upward.high) == pytest.approx((0.31 / 1.3, 171 * 1.3))


def test_both_axes_have_labels(width: int) -> None:
    plot = sweep_plot("c", "title", sweep(), STYLES, width)
    assert [tick.label for tick in plot.parameter_ticks] == ["1", "10", "100", "1,000", "10,000"]
    assert "10" in [tick.label for tick in plot.latency_ticks]
    gaps = [before.pixel - after.pixel for before, after in pairwise(plot.latency_ticks)]
    assert min(gaps) >= 28
    assert {"p50 ms", "rows →"} <= set(texts(drawn_svg(plot)))


@pytest.mark.parametrize(("value", "labels"), [(1390, 2), (1403, 3)])
def test_values_closer_than_40_pixels_share_a_label(value: int, labels: int) -> None:
    points = [
        replace(point, value=each)
        for point, each in zip(sweep().points, (1000, value, 1_000_000), strict=False)
    ]
    plot = sweep_plot("c", "title", replace(sweep(), points=tuple(points)), STYLES, WIDE)
    assert len(plot.parameter_ticks) == labels


def test_the_break_even_value_lies_inside_its_interval() -> None:
    plot = sweep_plot("c", "title", sweep(ratio(6.1, 3.2, 9.7)), STYLES, WIDE)
    place = plot.break_even
    assert place
    assert place.pixel == plot.across.pixel(6.1)
    assert place.band_left == plot.across.pixel(3.2)
    assert place.band_left + place.band_width == pytest.approx(plot.across.pixel(9.7))
    root = drawn_svg(plot)
    assert len(shapes(root, "rect", "noise")) == len(shapes(root, "line", "one")) == 1
    assert "breaks even at 6.1" in texts(root)


def test_a_thin_break_even_interval_is_two_pixels_wide() -> None:
    place = sweep_plot("c", "title", sweep(ratio(6, 6, 6)), STYLES, WIDE).break_even
    assert place
    assert place.band_width == 2


@pytest.mark.parametrize(("value", "anchor", "distance"), [(99, "start", 6), (101, "end", -6)])
def test_the_break_even_label_stands_on_the_side_with_more_space(
    value: float, anchor: str, distance: float
) -> None:
    place = sweep_plot("c", "t", sweep(ratio(value, value, value)), STYLES, WIDE).break_even
    assert place
    assert (place.label_anchor, place.label_pixel) == (anchor, place.pixel + distance)


def test_without_a_break_even_value_the_plot_has_no_line(width: int) -> None:
    plot = sweep_plot("c", "title", sweep(), STYLES, width)
    assert plot.break_even is None
    assert shapes(drawn_svg(plot), "line", "one") == []


def test_a_sweep_may_begin_at_zero_and_lack_an_arm_at_a_point(width: int) -> None:
    first, second, *others = sweep().points
    partial = replace(sweep(), points=(replace(first, value=0), replace(second, arms={}), *others))
    plot = sweep_plot("c", "title", partial, STYLES, width)
    assert [len(line.points) for line in plot.lines] == [4, 4]
    assert plot.lines[0].points[0][0] == 48


def test_the_description_lists_the_medians_of_each_point() -> None:
    first, second, *_ = sweep().points
    short = replace(sweep(), points=(first, replace(second, arms={"naive": second.arms["naive"]})))
    assert description(short, list(STYLES)) == (
        "rows 1: naive 0.31 ms, optimized 0.33 ms; rows 10: naive 0.46 ms."
    )
