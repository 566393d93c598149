"""The report as Markdown."""

from loadgen.report.markdown import markdown_report
from loadgen.report.notation import number, ratio_with_interval
from tests.unit.loadgen.report import sample

HOSTILE = "a|b<img src=x>[x](y)\n`*_"


def test_markdown_has_every_experiment_with_its_figures() -> None:
    text = markdown_report(sample.judgement(), {"caching": sample.sweep(sample.ratio(6, 3, 9))})
    for name, found in sample.TECHNIQUES.items():
        assert name in text
        assert f"## {found.title}" in text
        assert ratio_with_interval(sample.ratio(*found.speedup)) in text
        for value in (found.naive.p50, found.optimized.p99, found.naive.rate):
            assert number(value) in text
    assert "Breaks even at rows ≈ 6 (3–9)." in text


def test_markdown_has_the_break_even_of_a_whole_run() -> None:
    text = markdown_report(sample.judgement({}), {"caching": sample.sweep(sample.ratio(6, 3, 9))})
    assert "caching: Breaks even at rows ≈ 6 (3–9)." in text


def test_every_row_of_a_markdown_table_has_all_its_cells() -> None:
    for block in markdown_report(sample.judgement()).split("\n\n"):
        lines = block.strip().splitlines()
        if lines[0].startswith("|"):
            assert len({line.count("|") for line in lines}) == 1


def test_hostile_names_are_escaped_in_markdown() -> None:
    judgement = sample.judgement({HOSTILE: sample.unmeasured(HOSTILE, HOSTILE)})
    text = markdown_report(judgement)
    assert r"a\|b\<img src=x\>\[x\](y)" in text
    assert "<img" not in text.replace(r"\<", "")
