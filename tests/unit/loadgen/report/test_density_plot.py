"""The density curves: their shape, their axis, and the texts of each arm."""

import math
from random import Random

import pytest

from loadgen.report.axis import Axis
from loadgen.report.density_plot import density, density_plot
from loadgen.report.plot import NARROW, WIDE
from loadgen.sending.histogram import Histogram
from tests.unit.loadgen.report.drawing import drawn_svg, points, shapes, texts
from tests.unit.loadgen.report.sample import TECHNIQUES, drawn

STYLES = {"naive": "arm baseline", "optimized": "arm candidate0"}


@pytest.fixture(params=[WIDE, NARROW], ids=["wide", "narrow"])
def width(request: pytest.FixtureRequest) -> int:
    value: int = request.param
    return value


def normal(centre: float, deviation: float, count: int = 5000) -> Histogram:
    """Latencies in seconds whose logarithms are normally distributed."""
    random, histogram = Random(1), Histogram()
    for _ in range(count):
        histogram.record(centre * math.exp(random.gauss(0, deviation)))
    return histogram


def test_the_density_peaks_at_the_most_frequent_latency() -> None:
    axis = Axis(1, 100, 0, 400)
    curve = density(normal(0.010, 0.1), axis)
    peak = max(curve, key=lambda point: point[1])
    assert peak[0] == pytest.approx(axis.pixel(10), abs=8)
    assert peak[1] == 1
    assert curve[0] == (0, 0)
    assert curve[-1] == (400, 0)
    assert len(curve) == 141


def test_the_density_has_the_shape_of_a_normal_distribution() -> None:
    # One standard deviation is 0.25 · 400 / ln(100) pixels wide.
    axis = Axis(1, 100, 0, 400)
    curve = density(normal(0.010, 0.25, 20_000), axis)
    deviation = 0.25 * 400 / math.log(100)
    assert sum(y for _, y in curve) * 400 / 140 == pytest.approx(
        deviation * math.sqrt(2 * math.pi), rel=0.05
    )


def test_two_neighbouring_peaks_stay_two() -> None:
    histogram = normal(0.001, 0.15, 2000)
    histogram.merge(normal(0.005, 0.15, 2000))
    axis = Axis(0.3, 20, 0, 400)
    heights = dict(density(histogram, axis))
    valley = min(heights, key=lambda x: abs(x - axis.pixel(math.sqrt(5))))
    assert heights[valley] < 0.1


def test_latencies_outside_the_axis_do_not_pile_up_at_its_ends() -> None:
    histogram = normal(0.010, 0.1)
    for _ in range(5000):
        histogram.record(0.0001)
        histogram.record(1.0)
    curve = density(histogram, Axis(1, 100, 0, 400))
    assert curve[0][1] == curve[-1][1] == 0


def test_a_single_latency_has_a_curve(width: int) -> None:
    histogram = Histogram()
    histogram.record(0.002)
    plot = density_plot("d", "title", {"naive": histogram}, STYLES, width)
    assert max(plot.panels[0].curve, key=lambda point: -point[1])[0] == pytest.approx(
        width / 2, abs=width / 100
    )
    assert any("p50 2.00" in text for text in texts(drawn_svg(plot)))


def test_the_bandwidth_is_at_least_one_step_of_the_curve() -> None:
    histogram = Histogram()
    histogram.record(0.010)
    curve = density(histogram, Axis(1, 100, 0, 140))
    assert [round(y, 4) for _, y in curve[69:72]] == [0.6065, 1, 0.6065]
    assert [y > 0 for _, y in curve[66:75]] == [False, *[True] * 7, False]


def test_the_bandwidth_is_half_of_silvermans_rule() -> None:
    histogram = Histogram()
    for latency in (0.010, 0.100):
        for _ in range(16):
            histogram.record(latency)
    curve = dict(density(histogram, Axis(1, 1000, 0, 140)))
    interquartile_range = 140 / 3
    bandwidth = 0.9 * interquartile_range / 1.34 * 32**-0.2 / 2
    for distance in (-8, 8):
        expected = math.exp(-0.5 * (distance / bandwidth) ** 2)
        assert curve[47 + distance] == pytest.approx(expected, abs=0.01)


def test_latencies_at_both_ends_of_the_axis_count() -> None:
    histogram = Histogram()
    for latency in (0.001, 0.0999):
        histogram.record(latency)
    curve = density(histogram, Axis(1, 100, 0, 140))
    assert (curve[0][1], curve[-1][1]) == (1, 1)


def test_the_axis_leaves_out_the_outermost_thousandth() -> None:
    histogram = normal(0.010, 0.1, 5000)
    histogram.record(10.0)
    plot = density_plot("d", "title", {"naive": histogram}, STYLES, WIDE)
    labels = [float(tick.label.removesuffix(" ms")) for tick in plot.ticks]
    assert max(labels) < 20
    assert min(labels) > 4


def test_each_panel_names_its_arm_and_its_quantiles() -> None:
    histograms = {arm: drawn(TECHNIQUES["caching"].naive, arm, 500) for arm in STYLES}
    plot = density_plot("d", "title", histograms, STYLES, WIDE)
    for panel, (arm, histogram) in zip(plot.panels, histograms.items(), strict=True):
        shares = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "slowest": 1.0}
        words = [f"{name} {histogram.quantile(share) * 1e3:.2f}" for name, share in shares.items()]
        assert panel.label == arm
        assert panel.latencies == f"{' · '.join(words)} ms"
        assert f"{arm}: {panel.latencies}" in plot.frame.description


def test_a_narrow_panel_leaves_out_the_p95_for_lack_of_space() -> None:
    histograms = {"naive": normal(0.010, 0.1)}
    (panel,) = density_plot("d", "title", histograms, STYLES, NARROW).panels
    assert "p95" not in panel.latencies
    assert panel.latencies.startswith("p50 ")


def test_the_median_is_named_to_its_left_and_the_p99_to_its_right() -> None:
    (panel,) = density_plot("d", "title", {"naive": normal(0.010, 0.1)}, STYLES, WIDE).panels
    p50, p99 = panel.quantiles
    assert (p50.name, p50.anchor, p50.text_pixel) == ("p50", "end", p50.pixel - 4)
    assert (p99.name, p99.anchor, p99.text_pixel) == ("p99", "start", p99.pixel + 4)
    assert p50.pixel < p99.pixel
    peak = max(panel.curve, key=lambda point: -point[1])
    assert peak[0] == pytest.approx(p50.pixel, abs=20)


def test_panels_of_a_wide_plot_stand_below_each_other() -> None:
    histograms = dict.fromkeys(STYLES, normal(0.010, 0.1))
    plot = density_plot("d", "title", histograms, STYLES, WIDE)
    first, second = plot.panels
    assert (first.label_y, first.latencies_position, first.foot) == (17, (900, 17), 86)
    assert (second.label_y, second.latencies_position, second.foot) == (103, (900, 103), 172)
    assert (plot.top, plot.bottom, plot.frame.height) == (4, 176, 200)
    assert (first.latencies_anchor, first.style, second.style) == (
        "end",
        "arm baseline",
        "arm candidate0",
    )


def test_panels_of_a_narrow_plot_have_a_second_line_of_text() -> None:
    (panel,) = density_plot("d", "title", {"naive": normal(0.01, 0.1)}, STYLES, NARROW).panels
    assert (panel.label_y, panel.latencies_position, panel.foot) == (17, (0, 35), 108)
    assert panel.latencies_anchor == "start"


def test_a_curve_stands_on_its_foot_and_below_its_texts(width: int) -> None:
    (panel,) = density_plot("d", "title", {"naive": normal(0.01, 0.1)}, STYLES, width).panels
    heights = [y for _, y in panel.curve]
    assert (min(heights), max(heights)) == (panel.foot - 46, panel.foot)
    assert panel.quantile_top == panel.foot - 62
    assert panel.quantile_text_y == panel.foot - 52
    assert panel.area[0] == (panel.curve[0][0], panel.foot)
    assert panel.area[-1] == (panel.curve[-1][0], panel.foot)
    assert (panel.curve[0][0], panel.curve[-1][0]) == (24, width - 24)


@pytest.mark.parametrize(("width", "letters"), [(WIDE, 76), (NARROW, 47)])
def test_a_long_name_is_shortened_to_the_space_it_has(width: int, letters: int) -> None:
    arm = "x" * 200
    histogram = Histogram()
    histogram.record(0.010)
    (panel,) = density_plot("d", "title", {arm: histogram}, {arm: "arm"}, width).panels
    assert len(panel.label) == letters


def test_the_drawing_has_an_area_a_curve_and_two_lines_for_each_arm(width: int) -> None:
    histograms = dict.fromkeys(STYLES, normal(0.010, 0.1))
    plot = density_plot("d", "title", histograms, STYLES, width)
    root = drawn_svg(plot)
    for css_class, count in {"area": 2, "curve": 2}.items():
        tag = "polygon" if css_class == "area" else "polyline"
        found = shapes(root, tag, css_class)
        assert len(found) == count
        assert len(points(found[0])) == (143 if css_class == "area" else 141)
    assert len(shapes(root, "line", "p50")) == len(shapes(root, "line", "p99")) == 2
