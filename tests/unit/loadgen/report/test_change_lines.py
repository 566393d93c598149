"""The lines that `loadgen compare` prints."""

from loadgen.judging.change import compare
from loadgen.report.change_lines import change_lines
from tests.unit.loadgen.evidence_factory import SETTINGS, bundle, experiment, record, records


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
