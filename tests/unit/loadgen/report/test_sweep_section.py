"""The table and the plot of a sweep."""

from msgspec.structs import replace

from loadgen.judgement import Verdict
from loadgen.report.sweep_section import sweep_section
from tests.unit.loadgen.report import sample

STYLES = {"naive": "arm baseline", "optimized": "arm candidate0", "control": "arm control"}


def test_the_section_leaves_out_the_control() -> None:
    section = sweep_section("s", "title", sample.sweep(), STYLES)
    assert list(section.styles) == ["naive", "optimized"]
    assert section.columns == ("rows", "naive p50 ms", "optimized p50 ms", "speed-up", "")


def test_the_table_has_a_row_for_each_point() -> None:
    section = sweep_section("s", "title", sample.sweep(), STYLES)
    assert [row.value for row in section.points] == ["1", "10", "100", "1,000", "10,000"]
    first = section.points[0]
    assert first.medians == ["0.31", "0.33"]
    assert first.ratio == "0.94× (0.89–0.99)"
    assert first.verdict_or_reason == "slower"


def test_the_caption_states_the_break_even_value() -> None:
    sweep = sample.sweep(sample.ratio(6.1, 3.2, 9.7))
    figure = sweep_section("s", "title", sweep, STYLES).figure
    assert figure
    assert figure.caption == "Breaks even at rows ≈ 6.1 (3.2–9.7)."
    assert figure.wide.frame.title == "title over rows"
    assert figure.wide.frame.identifier == "s-900"


def test_a_sweep_without_a_measured_arm_has_a_table_and_no_plot() -> None:
    points = tuple(
        replace(point, arms={}, ratio=None, verdict=Verdict.INVALID, reason="out of memory")
        for point in sample.sweep().points
    )
    section = sweep_section("s", "title", replace(sample.sweep(), points=points), STYLES)
    assert section.figure is None
    assert section.columns == ("rows", "speed-up", "")
    assert {row.verdict_or_reason for row in section.points} == {"out of memory"}
