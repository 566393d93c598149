"""The overview: its rows, its links, and the SVG that stands alone."""

from xml.etree.ElementTree import fromstring

from loadgen.report.rendering import STYLE
from loadgen.report.run_overview import overview_svg, run_overview
from tests.unit.loadgen.report import sample


def test_the_overview_has_a_row_for_each_experiment() -> None:
    overview = run_overview(sample.judgement())
    assert overview
    assert [row.label for row in overview.rows] == list(sample.TECHNIQUES)
    assert [row.section for row in overview.rows][:2] == ["experiment-0", "experiment-1"]
    assert overview.rows[0].figures == [
        "1.54 → 0.58",
        "3.61 → 1.14",
        "2,339 → 6,280",
        "2.61× (2.19–3.40)",
        "±2 %",
    ]


def test_a_run_without_an_experiment_has_no_overview() -> None:
    assert run_overview(sample.judgement({})) is None
    assert overview_svg(sample.judgement({})) == ""


def test_the_overview_as_a_file_needs_nothing_else() -> None:
    judgement = sample.judgement()
    text = overview_svg(judgement)
    root = fromstring(text)  # noqa: S314 - written by the project
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert root[0].text == STYLE
    assert all(name in text for name in judgement.experiments)
    assert "url(" not in text
    assert "href" not in text
