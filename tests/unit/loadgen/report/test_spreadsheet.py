"""The judgement as CSV."""

import csv
import io

from loadgen.judgement import Judgement
from loadgen.report.spreadsheet import csv_report
from tests.unit.loadgen.report import sample


def lines_of(judgement: Judgement) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(csv_report(judgement))))


def test_csv_has_a_line_for_each_experiment_and_arm() -> None:
    lines = lines_of(sample.judgement())
    assert [(line["experiment"], line["arm"]) for line in lines] == [
        (name, arm) for name in sample.TECHNIQUES for arm in ("naive", "optimized", "control")
    ]
    assert [line["role"] for line in lines[:3]] == ["baseline", "candidate", "control"]


def test_csv_keeps_all_digits() -> None:
    naive, optimized, control = lines_of(sample.judgement())[:3]
    assert float(naive["p50_ms"]) == 1.537
    assert float(optimized["speedup_p50_low"]) == 2.188
    assert float(control["speedup_p99"]) == 1.01
    assert optimized["verdict"] == "faster"
    assert naive["speedup_p50"] == naive["verdict"] == ""
    assert float(naive["receipt: statements per request"]) == 3


def test_csv_has_a_line_for_an_experiment_without_arms() -> None:
    (line,) = lines_of(sample.judgement({"broken": sample.unmeasured("too busy")}))
    assert (line["experiment"], line["verdict"], line["reason"]) == (
        "broken",
        "invalid",
        "too busy",
    )


def test_no_cell_of_csv_is_a_formula() -> None:
    experiment = sample.unmeasured("@SUM(A1)")
    (line,) = lines_of(sample.judgement({"=1+1": experiment}))
    assert line["experiment"] == "'=1+1"
    assert line["reason"] == "'@SUM(A1)"
