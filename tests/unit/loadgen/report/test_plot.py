"""What holds for each kind of plot, and the style of each arm."""

import pytest
from msgspec.structs import replace

from loadgen.report.axis import Axis
from loadgen.report.density_plot import density_plot
from loadgen.report.forest_plot import ForestRow, forest_plot
from loadgen.report.plot import NARROW, WIDE, Plot, arm_styles, figure, ticks
from loadgen.report.sweep_plot import sweep_plot
from tests.unit.loadgen.report import sample
from tests.unit.loadgen.report.drawing import drawn_svg

HOSTILE = "<script>alert('&\"')</script>\x00"
STYLES = {"naive": "arm baseline", "optimized": "arm candidate0"}


@pytest.fixture(params=[WIDE, NARROW], ids=["wide", "narrow"])
def width(request: pytest.FixtureRequest) -> int:
    value: int = request.param
    return value


def all_plots(width: int) -> list[Plot]:
    """One plot of each kind, with hostile texts wherever texts come from outside."""
    naive = sample.TECHNIQUES["caching"].naive
    histograms = {arm: sample.drawn(naive, arm, 200) for arm in (HOSTILE, "optimized")}
    styles = {HOSTILE: "arm baseline", "optimized": "arm candidate0"}
    rows = [
        ForestRow(
            "twice", sample.ratio(2, 1.5, 2.6), sample.ratio(1, 0.98, 1.02), "arm candidate0"
        ),
        ForestRow(HOSTILE, None, None, "", HOSTILE),
    ]
    sweep = replace(sample.sweep(sample.ratio(6.1, 3.2, 9.7)), parameter=HOSTILE)
    return [
        forest_plot("f", HOSTILE, rows, width),
        density_plot("d", HOSTILE, histograms, styles, width),
        sweep_plot("c", HOSTILE, sweep, STYLES, width),
    ]


def test_a_screen_reader_finds_title_and_description(width: int) -> None:
    for plot in all_plots(width):
        root = drawn_svg(plot)
        assert [child.tag for child in root][:2] == ["title", "desc"]
        assert all(child.text for child in root[:2])
        labels = root.attrib["aria-labelledby"].split()
        assert labels == [child.get("id") for child in root[:2]]
        assert root.get("role") == "img"


def test_identifiers_of_both_widths_differ() -> None:
    for wide, narrow in zip(all_plots(WIDE), all_plots(NARROW), strict=True):
        assert wide.frame.identifier != narrow.frame.identifier


def test_hostile_texts_stay_texts(width: int) -> None:
    for plot in all_plots(width):
        root = drawn_svg(plot)
        assert not list(root.iter("script"))
        assert "<script>" in "".join(root.itertext())


def test_every_shape_lies_inside_the_plot(width: int) -> None:
    for plot in all_plots(width):
        for each in drawn_svg(plot).iter():
            for name in ("x", "x1", "x2", "cx"):
                assert 0 <= float(each.get(name, 0)) <= plot.frame.width
            for name in ("y", "y1", "y2", "cy"):
                assert 0 <= float(each.get(name, 0)) <= plot.frame.height


def test_a_figure_holds_the_plot_in_both_widths() -> None:
    both = figure(lambda width: all_plots(width)[0], "caption")
    assert (both.wide.frame.width, both.narrow.frame.width) == (WIDE, NARROW) == (900, 340)
    assert both.caption == "caption"


def test_texts_get_the_space_of_their_letters() -> None:
    rows = [ForestRow("ten letters"[:10], None, None, "", "")]
    plot = forest_plot("f", "title", rows, WIDE)
    assert plot.axis.start == pytest.approx(10 * 7.2 + 24)
    assert plot.frame.height == plot.bottom + 24


def test_a_tick_has_a_position_and_a_label() -> None:
    first, second = ticks(Axis(1, 100, 0, 200), [1, 10.5], " ms")
    assert (first.pixel, first.label) == (0, "1 ms")
    assert second.pixel == pytest.approx(102.1, abs=0.1)
    assert second.label == "10.5 ms"


def test_each_arm_has_its_own_style() -> None:
    experiment = sample.experiment(sample.TECHNIQUES["caching"])
    names = ("naive", "control", "a", "b", "c", "d")
    many = replace(experiment, arms=dict.fromkeys(names, experiment.arms["naive"]))
    assert dict(arm_styles(many)) == {
        "naive": "arm baseline",
        "control": "arm control",
        "a": "arm candidate0",
        "b": "arm candidate1",
        "c": "arm candidate2",
        "d": "arm candidate3",
    }


def test_the_fifth_candidate_has_the_style_of_the_first() -> None:
    experiment = sample.experiment(sample.TECHNIQUES["caching"])
    arms = dict.fromkeys(("naive", "a", "b", "c", "d", "e"), experiment.arms["naive"])
    styles = arm_styles(replace(experiment, arms=arms))
    assert styles["e"] == styles["a"]


def test_each_style_has_its_own_mark() -> None:
    styles = {
        "naive": "arm baseline",
        "control": "arm control",
        "a": "arm candidate0",
        "b": "arm candidate1",
        "c": "arm candidate2",
        "d": "arm candidate3",
    }
    rows = [ForestRow(arm, sample.ratio(2, 1, 3), None, style) for arm, style in styles.items()]
    root = drawn_svg(forest_plot("f", "title", rows, WIDE))
    marks = [each for each in root.iter() if "mark" in each.get("class", "").split()]
    shapes = {(each.tag, each.get("r"), each.get("d", "")[-20:]) for each in marks}
    assert len(marks) == len(shapes) == len(styles)
