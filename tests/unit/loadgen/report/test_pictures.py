"""Pictures: what is drawn where, and what is said of it."""

import math
from itertools import pairwise
from random import Random
from xml.etree.ElementTree import Element, fromstring

import pytest

from loadgen.report.axes import Axis
from loadgen.report.curve import curve
from loadgen.report.distribution import density, distribution
from loadgen.report.elements import markup
from loadgen.report.forest import Row, forest
from loadgen.report.pictures import NARROW, WIDE, arm_classes
from loadgen.report.standalone import picture as overview_picture
from loadgen.sending.histogram import Histogram
from tests.unit.loadgen.report.sample import (
    TECHNIQUES,
    document,
    drawn,
    experiment,
    ratio,
    sweep,
)

HOSTILE = "<script>alert('&\"')</script>\x00"
STYLES = {"naive": "arm baseline", "optimized": "arm candidate0"}
ROWS = [
    Row("twice", ratio(2, 1.5, 2.6), ratio(1, 0.98, 1.02), "arm candidate0"),
    Row("half", ratio(0.5, 0.4, 0.6), None, "arm candidate0"),
    Row(HOSTILE, None, None, "", "invalid"),
]


def parsed(picture: Element) -> Element:
    """As a page has it, read by an XML parser."""
    return fromstring(markup(picture))  # noqa: S314 - of our own making


def found(picture: Element, tag: str, class_: str) -> list[Element]:
    return [each for each in picture.iter(tag) if class_ in each.get("class", "").split()]


def texts(picture: Element) -> list[str]:
    return [each.text or "" for each in picture.iter("text")]


@pytest.fixture(params=[WIDE, NARROW], ids=["wide", "narrow"])
def width(request: pytest.FixtureRequest) -> int:
    value: int = request.param
    return value


def all_pictures(width: int) -> list[Element]:
    histograms = {arm: drawn(TECHNIQUES["caching"].naive, arm, 200) for arm in STYLES}
    place = ratio(6.1, 3.2, 9.7)
    return [
        forest("f", HOSTILE, ROWS, width),
        distribution("d", HOSTILE, histograms, STYLES, width),
        curve("c", HOSTILE, sweep(place) | {"parameter": HOSTILE}, STYLES, width),
    ]


def test_pictures_are_well_formed_and_said_in_words(width: int) -> None:
    for picture in all_pictures(width):
        root = parsed(picture)
        titles = [child.tag for child in root][:2]
        assert titles == ["title", "desc"]
        assert all(child.text for child in root[:2])
        named = (root.get("aria-labelledby") or "").split()
        assert named == [child.get("id") for child in root[:2]]
        assert root.get("role") == "img"
        assert not list(root.iter("script"))


def test_everything_lies_inside_the_picture(width: int) -> None:
    for picture in all_pictures(width):
        _, _, right, bottom = map(float, (picture.get("viewBox") or "").split())
        for each in picture.iter():
            for name in ("x", "x1", "x2", "cx"):
                assert 0 <= float(each.get(name, 0)) <= right, markup(each)
            for name in ("y", "y1", "y2", "cy"):
                assert 0 <= float(each.get(name, 0)) <= bottom, markup(each)


def test_twice_lies_as_far_above_one_as_half_lies_below(width: int) -> None:
    picture = forest("f", "title", ROWS, width)
    (one,) = found(picture, "line", "one")
    twice, half = (float(each.get("cx", 0)) for each in found(picture, "circle", "mark"))
    middle = float(one.get("x1", 0))
    assert twice - middle == pytest.approx(middle - half, abs=0.2)
    assert twice > middle


def test_a_whisker_reaches_over_the_interval() -> None:
    picture = forest("f", "title", ROWS, WIDE)
    whisker = found(picture, "line", "whisker")[0]
    (one,) = found(picture, "line", "one")
    start, end, middle = (
        float(value) for value in (whisker.get("x1", 0), whisker.get("x2", 0), one.get("x1", 0))
    )
    assert (end - middle) / (start - middle) == pytest.approx(
        math.log(2.6) / math.log(1.5), rel=0.02
    )


def test_the_noise_floor_is_a_band_around_one() -> None:
    picture = forest("f", "title", ROWS, WIDE)
    (band,) = found(picture, "rect", "noise")
    (one,) = found(picture, "line", "one")
    left, spread = float(band.get("x", 0)), float(band.get("width", 0))
    assert left < float(one.get("x1", 0)) < left + spread


def test_a_row_without_a_ratio_says_why(width: int) -> None:
    assert "invalid" in texts(forest("f", "title", ROWS, width))


def test_an_absurd_interval_leaves_the_others_room() -> None:
    rows = [Row("wild", ratio(1.1, 1e-6, 1e6), None, "arm candidate0"), *ROWS[:2]]
    picture = forest("f", "title", rows, WIDE)
    marks = [float(each.get("cx", 0)) for each in found(picture, "circle", "mark")]
    assert max(marks) - min(marks) > 50


def test_a_density_peaks_where_latencies_are() -> None:
    histogram = Histogram()
    random = Random(1)
    for _ in range(5000):
        histogram.record(0.010 * math.exp(random.gauss(0, 0.1)))
    axis = Axis(1, 100, 0, 400)
    shape = density(histogram, axis)
    peak = max(shape, key=lambda point: point[1])
    assert peak[0] == pytest.approx(axis.place(10), abs=8)
    assert peak[1] == 1
    assert shape[0][1] == shape[-1][1] == 0


def test_two_humps_stay_two() -> None:
    histogram = Histogram()
    random = Random(1)
    for at in range(4000):
        histogram.record((0.001 if at % 2 else 0.005) * math.exp(random.gauss(0, 0.15)))
    axis = Axis(0.3, 20, 0, 400)
    heights = dict(density(histogram, axis))
    valley = min(heights, key=lambda x: abs(x - axis.place(math.sqrt(5))))
    assert heights[valley] < 0.1


def test_one_latency_is_a_distribution_too(width: int) -> None:
    histogram = Histogram()
    histogram.record(0.002)
    picture = distribution("d", "title", {"naive": histogram}, STYLES, width)
    assert any("p50 2.00" in text for text in texts(picture))


def test_a_distribution_names_each_arm_and_its_quantiles() -> None:
    histograms = {arm: drawn(TECHNIQUES["caching"].naive, arm, 500) for arm in STYLES}
    words = " ".join(texts(distribution("d", "title", histograms, STYLES, WIDE)))
    for arm, histogram in histograms.items():
        assert arm in words
        assert f"p50 {histogram.quantile(0.5) * 1e3:.2f}" in words
        assert f"p99 {histogram.quantile(0.99) * 1e3:.2f}" in words


def test_a_curve_has_a_mark_for_each_value_and_arm(width: int) -> None:
    picture = curve("c", "title", sweep(), STYLES, width)
    assert len(found(picture, "rect", "mark")) == len(found(picture, "circle", "mark")) == 5
    places = [float(each.get("cx", 0)) for each in found(picture, "circle", "mark")]
    steps = [after - before for before, after in pairwise(places)]
    assert steps == pytest.approx([steps[0]] * 4, abs=0.2)


def test_the_break_even_point_lies_between_its_bounds() -> None:
    picture = curve("c", "title", sweep(ratio(6.1, 3.2, 9.7)), STYLES, WIDE)
    (band,) = found(picture, "rect", "noise")
    (line,) = found(picture, "line", "one")
    left = float(band.get("x", 0))
    assert left < float(line.get("x1", 0)) < left + float(band.get("width", 0))
    assert "breaks even at 6.1" in texts(picture)


def test_without_a_break_even_point_none_is_drawn(width: int) -> None:
    assert found(curve("c", "title", sweep(), STYLES, width), "line", "one") == []


def test_a_sweep_may_begin_at_zero_and_miss_a_point(width: int) -> None:
    swept = sweep()
    swept.points[0].value = 0
    swept.points[1].arms = {}
    picture = curve("c", "title", swept, STYLES, width)
    assert len(found(picture, "circle", "mark")) == 4


def test_each_arm_has_its_own_colour() -> None:
    many = experiment(TECHNIQUES["caching"])
    arms = dict.fromkeys(("naive", "control", "a", "b", "c", "d"), many.arms["naive"])
    many.arms = arms
    assert len(set(arm_classes(many).values())) == 6


def test_the_overview_stands_on_its_own() -> None:
    whole = document()
    text = overview_picture(whole)
    root = fromstring(text)  # noqa: S314 - of our own making
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert all(name in text for name in whole.experiments)
    assert "url(" not in text
    assert "href" not in text


def test_without_an_experiment_there_is_no_overview() -> None:
    assert overview_picture(document({})) == ""
