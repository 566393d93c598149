"""Outcomes as a table for a person and a summary for a program."""

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from rich.console import Console

from loadgen.equality import Difference
from loadgen.estimate import Speedup, Verdict
from loadgen.experiment import Outcome, Settings, VariantFigures
from loadgen.report import number, summary, table, write_summary
from tests.unit.services.made_up import MADE_UP

SETTINGS = Settings(iterations=8, concurrency=4, duration=0.5, seed=1)
MEASURED = Outcome(
    MADE_UP,
    None,
    {
        "naive": VariantFigures(12.34, 56.78, 321.0, 1284, 0, 2048.0),
        "optimized": VariantFigures(1.5, 3.25, 2468.0, 9872, 1, 2048.0),
    },
    Speedup(8.2, 8.0, 8.4),
    Verdict.FASTER,
)
DIFFERENT = Outcome(
    replace(MADE_UP, name="different"),
    Difference("count=3", "$.items", 1, 2),
    {},
    None,
    Verdict.INVALID,
    "the variants answer differently: …",
)


def printed(*outcomes: Outcome, width: int = 80) -> list[str]:
    """The table's lines as a terminal of that many columns shows them."""
    console = Console(width=width, no_color=True)
    with console.capture() as capture:
        console.print(table(outcomes))
    return capture.get().splitlines()


def row_of(name: str, *outcomes: Outcome) -> str:
    (row,) = [line for line in printed(*outcomes) if line.strip().startswith(name)]
    return row


def document(*outcomes: Outcome) -> Any:
    """The summary as a program reads it."""
    return orjson.loads(orjson.dumps(summary(outcomes, SETTINGS)))


def test_a_row_has_the_figures_the_ratio_and_the_verdict() -> None:
    row = row_of("made-up", MEASURED)
    for part in ("12.3", "1.50", "56.8", "3.25", "321", "2468", "8.20×", "8.00–8.40", "faster"):
        assert part in row
    assert row.index("12.3") < row.index("1.50") < row.index("8.20×") < row.index("faster")


def test_a_row_that_was_not_measured_has_a_verdict_only() -> None:
    assert row_of("different", MEASURED, DIFFERENT).split() == ["different", "invalid"]


def test_techniques_stand_in_the_order_of_their_outcomes() -> None:
    lines = "\n".join(printed(DIFFERENT, MEASURED))
    assert lines.index("different") < lines.index("made-up")


@pytest.mark.parametrize("verdict", Verdict)
def test_the_table_fits_an_ordinary_terminal(verdict: Verdict) -> None:
    longest = replace(MEASURED, technique=replace(MADE_UP, name="json-serialization"))
    lines = printed(replace(longest, verdict=verdict))
    assert all(len(line) <= 80 for line in lines)
    assert not any("…" in line for line in lines)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0.00"),
        (0.123, "0.12"),
        (9.994, "9.99"),
        (9.996, "10.0"),
        (12.34, "12.3"),
        (99.96, "100"),
        (1234.5, "1234"),
    ],
)
def test_a_number_has_three_digits_or_all_before_the_point(value: float, text: str) -> None:
    assert number(value) == text


def test_a_summary_says_when_where_and_how_it_was_measured() -> None:
    found = document(MEASURED)
    assert found.keys() == {"measured_at", "machine", "settings", "techniques"}
    assert datetime.fromisoformat(found["measured_at"]).tzinfo is not None
    assert found["machine"]["cores"] >= 1
    assert found["settings"] == {"iterations": 8, "concurrency": 4, "duration": 0.5, "seed": 1}


def test_a_summary_has_all_figures_of_both_variants() -> None:
    entry = document(MEASURED)["techniques"]["made-up"]
    assert entry == {
        "workload": "Three of them.",
        "naive": {
            "p50_ms": 12.34,
            "p99_ms": 56.78,
            "requests_per_second": 321.0,
            "requests": 1284,
            "errors": 0,
            "bytes_per_response": 2048.0,
        },
        "optimized": {
            "p50_ms": 1.5,
            "p99_ms": 3.25,
            "requests_per_second": 2468.0,
            "requests": 9872,
            "errors": 1,
            "bytes_per_response": 2048.0,
        },
        "speedup": {"estimate": 8.2, "low": 8.0, "high": 8.4},
        "verdict": "faster",
        "answers_equal": True,
    }


def test_a_summary_says_why_something_was_not_measured() -> None:
    entry = document(DIFFERENT)["techniques"]["different"]
    assert entry == {
        "workload": "Three of them.",
        "speedup": None,
        "verdict": "invalid",
        "answers_equal": False,
        "reason": "the variants answer differently: …",
    }


def test_a_summary_is_written_as_a_file_of_json(tmp_path: Path) -> None:
    folder = tmp_path / "not" / "yet"
    path = write_summary(summary([MEASURED], SETTINGS), folder)
    assert path == folder / "summary.json"
    assert list(folder.iterdir()) == [path]
    assert orjson.loads(path.read_bytes())["techniques"].keys() == {"made-up"}


def test_a_summary_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    write_summary({"old": True}, tmp_path)
    with pytest.raises(TypeError):
        write_summary({"new": object()}, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["summary.json"]
    assert orjson.loads((tmp_path / "summary.json").read_bytes()) == {"old": True}
