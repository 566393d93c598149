"""Output for a terminal: the judgement as a table, and the changes between two runs."""

import pytest
from msgspec.structs import replace
from rich.console import Console

from loadgen.judgement import Judgement, SweepJudgements, Verdict
from loadgen.judging.change import compare
from loadgen.report.terminal import change_lines, terminal
from tests.unit.loadgen.evidence_factory import SETTINGS, bundle, experiment, record, records
from tests.unit.loadgen.report import sample


def printed(
    judgement: Judgement, width: int = 100, sweeps: SweepJudgements | None = None
) -> list[str]:
    """The lines in a terminal with `width` columns."""
    console = Console(width=width, no_color=True)
    with console.capture() as capture:
        console.print(terminal(judgement, sweeps))
    return capture.get().splitlines()


def row_of(name: str, judgement: Judgement) -> str:
    (row,) = [line for line in printed(judgement) if line.strip().startswith(name)]
    return row


def test_a_row_has_figures_ratio_noise_floor_and_verdict() -> None:
    parts = row_of("caching", sample.judgement()).split()
    assert parts == [
        "caching",
        "1.54→0.58",
        "3.61→1.14",
        "2,339→6,280",
        "2.61×",
        "(2.19–3.40)",
        "±2",
        "%",
        "faster",
    ]


def test_each_technique_fits_into_one_line_in_order() -> None:
    lines = printed(sample.judgement())
    names = [line.split()[0] for line in lines[2 : 2 + len(sample.TECHNIQUES)]]
    assert names == list(sample.TECHNIQUES)
    assert all(len(line) <= 100 for line in lines)
    assert "…" not in "".join(lines)


@pytest.mark.parametrize("width", [60, 80])
def test_a_narrow_terminal_cuts_off_no_number(width: int) -> None:
    text = "".join("".join(printed(sample.judgement(), width)).split())
    assert "…" not in text


def test_a_legend_explains_the_arrow() -> None:
    assert any(line.startswith("naive→optimized") for line in printed(sample.judgement()))


def test_each_of_several_candidates_has_a_row() -> None:
    experiment = sample.experiment(sample.TECHNIQUES["json-serialization"])
    streamed = sample.comparison(sample.ratio(1.01, 0.98, 1.04), Verdict.NO_DIFFERENCE_SHOWN)
    experiment = replace(
        experiment,
        arms={**experiment.arms, "streamed": experiment.arms["optimized"]},
        comparisons={**experiment.comparisons, "streamed": streamed},
    )
    judgement = sample.judgement({"json-serialization": experiment})
    assert row_of("json-serialization", judgement).split() == ["json-serialization"]
    assert "11.3× (10.6–12.6)" in row_of("optimized", judgement)
    assert "1.01× (0.98–1.04)" in row_of("streamed", judgement)


def test_the_reason_of_an_invalid_run_is_below_the_table() -> None:
    judgement = sample.judgement({"broken": sample.unmeasured("answers differ", "at $.a: 1 and 2")})
    lines = [line.rstrip() for line in printed(judgement)]
    assert lines[2].split() == ["broken", *"–––––", "invalid"]
    assert "broken: no verdict: answers differ" in lines
    assert "  at $.a: 1 and 2" in lines


def test_brackets_and_escapes_in_a_name_are_printed_as_text() -> None:
    text = "\n".join(printed(sample.judgement({"[red]a\x1b[31m": sample.unmeasured("[/red]")})))
    assert "[red]a" in text
    assert "no verdict: [/red]" in text
    assert "\x1b[31m" not in text


def test_the_break_even_of_a_sweep_is_below_the_table() -> None:
    lines = printed(sample.judgement(), sweeps={"caching": sample.sweep(sample.ratio(12, 9, 15))})
    assert "caching: Breaks even at rows ≈ 12 (9–15)." in [line.rstrip() for line in lines]


# Changes between two runs


def test_a_line_reports_the_change_of_an_arm_with_its_ratios() -> None:
    same = bundle(experiment(records([2.0] * 4)))
    slower = bundle(
        experiment([record(each.arm, each.pair, 0.004) for each in same.experiments[0].records])
    )
    naive, optimized = change_lines(compare(same, slower))
    assert naive == (
        "made-up naive: regression: p50 1.99 → 3.98 ms, 0.50× (0.50–0.50); p99 0.50× (0.50–0.50);"
        " requests/s 1.00× (1.00–1.00)"
    )
    assert optimized.startswith("made-up optimized: regression: p50 1.00 → 3.98 ms, 0.25×")
    assert optimized.endswith("speed-up 0.50× (0.50–0.50)")


def test_notes_follow_the_lines() -> None:
    found = change_lines(compare(bundle(), bundle(settings={**SETTINGS, "rate": 5})))
    assert len(found) == 3
    assert found[-1].startswith("note: different settings (rate None → 5)")
