"""Sentences, Markdown, CSV, and all files together."""

import csv
import io
from pathlib import Path

import pytest
from msgspec.structs import replace

from loadgen.judgement import Judgement, Verdict, decode_judgement
from loadgen.report.figures import number, ratio_with_interval
from loadgen.report.files import write_reports
from loadgen.report.markdown import markdown_report
from loadgen.report.sentences import break_even_sentence, claims, explanation, provenance
from loadgen.report.spreadsheet import csv_report
from tests.unit.loadgen.report import sample

HOSTILE = "a|b<img src=x>[x](y)\n`*_"


def lines_of(document: Judgement) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(csv_report(document))))


def test_a_claim_of_equal_arms_says_no_difference_shown() -> None:
    experiment = sample.experiment(sample.TECHNIQUES["caching"])
    verdict = Verdict.NO_DIFFERENCE_SHOWN
    compared = {"optimized": sample.comparison(sample.ratio(1.004, 0.98, 1.02), verdict)}
    (claim,) = claims(replace(experiment, comparisons=compared, verdict=verdict))
    assert claim.startswith("optimized and naive: no difference shown at the median, 1.00×; 95 %")


def test_an_explanation_names_only_receipts_that_differ() -> None:
    experiment = sample.experiment(sample.TECHNIQUES["caching"])
    receipts = {
        "naive": {"CPU ms": 0.4, "bytes": 1891.0, "dropped": 0.0, "statements": 51.0},
        "optimized": {"CPU ms": 0.2, "bytes": 1897.0, "dropped": 0.5, "statements": 2.0},
    }
    arms = {arm: replace(experiment.arms[arm], receipts=found) for arm, found in receipts.items()}
    assert (
        explanation(replace(experiment, arms=arms))
        == "dropped 0 → 0.5; statements 51 → 2; CPU ms 0.4 → 0.2"
    )


def test_a_sweep_has_a_sentence_on_its_break_even() -> None:
    place = sample.ratio(12.0, 9.0, 15.2)
    assert break_even_sentence(sample.sweep(place)) == "Breaks even at rows ≈ 12 (9–15.2)."
    assert break_even_sentence(sample.sweep()) == "Break-even over rows: none in range."


def test_the_provenance_has_the_known_facts() -> None:
    document = replace(sample.document(), machine={}, settings={"rate": 200, "seed": 7})
    assert provenance(document) == (
        "Measured 2026-11-23 on an unknown processor: 200 requests/s, seed 7"
    )


def test_markdown_has_every_experiment_with_its_figures() -> None:
    text = markdown_report(sample.document(), {"caching": sample.sweep(sample.ratio(6, 3, 9))})
    for name, found in sample.TECHNIQUES.items():
        assert name in text
        assert f"## {found.title}" in text
        assert ratio_with_interval(sample.ratio(*found.speedup)) in text
        for value in (found.naive.p50, found.optimized.p99, found.naive.rate):
            assert number(value) in text
    assert "Breaks even at rows ≈ 6 (3–9)." in text


def test_markdown_has_the_break_even_of_a_whole_run() -> None:
    text = markdown_report(sample.document({}), {"caching": sample.sweep(sample.ratio(6, 3, 9))})
    assert "caching: Breaks even at rows ≈ 6 (3–9)." in text


def test_every_row_of_a_markdown_table_has_all_its_cells() -> None:
    for block in markdown_report(sample.document()).split("\n\n"):
        lines = block.strip().splitlines()
        if lines[0].startswith("|"):
            assert len({line.count("|") for line in lines}) == 1


def test_hostile_names_are_escaped_in_markdown() -> None:
    document = sample.document({HOSTILE: sample.unmeasured(HOSTILE, HOSTILE)})
    text = markdown_report(document)
    assert r"a\|b\<img src=x\>\[x\](y)" in text
    assert "<img" not in text.replace(r"\<", "")


def test_csv_has_a_line_for_each_experiment_and_arm() -> None:
    lines = lines_of(sample.document())
    assert [(line["experiment"], line["arm"]) for line in lines] == [
        (name, arm) for name in sample.TECHNIQUES for arm in ("naive", "optimized", "control")
    ]
    assert [line["role"] for line in lines[:3]] == ["baseline", "candidate", "control"]


def test_csv_keeps_all_digits() -> None:
    naive, optimized, control = lines_of(sample.document())[:3]
    assert float(naive["p50_ms"]) == 1.537
    assert float(optimized["speedup_p50_low"]) == 2.188
    assert float(control["speedup_p99"]) == 1.01
    assert optimized["verdict"] == "faster"
    assert naive["speedup_p50"] == naive["verdict"] == ""
    assert float(naive["receipt: statements per request"]) == 3


def test_csv_has_a_line_for_an_experiment_without_arms() -> None:
    (line,) = lines_of(sample.document({"broken": sample.unmeasured("too busy")}))
    assert (line["experiment"], line["verdict"], line["reason"]) == (
        "broken",
        "invalid",
        "too busy",
    )


def test_no_cell_of_csv_is_a_formula() -> None:
    experiment = sample.unmeasured("@SUM(A1)")
    (line,) = lines_of(sample.document({"=1+1": experiment}))
    assert line["experiment"] == "'=1+1"
    assert line["reason"] == "'@SUM(A1)"


def test_all_reports_are_written_and_nothing_else(tmp_path: Path) -> None:
    folder = tmp_path / "not" / "yet"
    document, sweeps = sample.document(), {"caching": sample.sweep()}
    paths = write_reports(folder, document, sample.histograms(), sweeps)
    reports = {"overview.svg", "report.csv", "report.html", "report.md"}
    names = {"judgement.json", "sweeps.json", *reports}
    assert {path.name for path in paths} == {path.name for path in folder.iterdir()} == names
    assert decode_judgement((folder / "judgement.json").read_bytes()) == document
    assert (folder / "report.html").read_text("utf-8").startswith("<!DOCTYPE html>")


def test_a_full_disk_leaves_the_previous_reports(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_reports(tmp_path, sample.document(), {})
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    write_bytes = Path.write_bytes

    def full(path: Path, content: bytes) -> int:
        if "html" in path.name:
            raise OSError(28, "No space left on device")
        return write_bytes(path, content)

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space left"):
        write_reports(tmp_path, sample.document({}), {})
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
