"""The generator's own shortcomings: measured, and each too much of its own limit."""

from typing import Any

import pytest

from loadgen.evidence.block_record import Record
from loadgen.judging.audit import (
    MAXIMUM_COUNT_MISMATCH,
    MAXIMUM_CPU,
    MAXIMUM_ERROR_SHARE,
    MAXIMUM_LAG_P99,
    Finding,
    audit,
)
from tests.unit.loadgen.made_up import ARMS, experiment, histogram, record

LAG = "schedule lag p99, ms"
CPU = "load generator's CPU, cores"
ERRORS = "failed requests, share"
MISMATCH = "requests not counted alike, share"
COUNTED = 'http_server_request_duration_seconds_count{http_response_status_code="200"}'


def found(blocks: list[Record], generators: int = 1) -> dict[str, Finding]:
    return {each.check: each for each in audit(experiment(blocks), generators)}


def counted(arm: str = "naive", pair: int = 0, requests: float = 100.0, **changes: Any) -> Record:
    return record(arm, pair, counters={COUNTED: requests}, **changes)


def test_a_run_without_shortcomings_passes_every_check() -> None:
    findings = found([counted(arm, pair) for arm in ARMS for pair in range(4)])
    assert list(findings) == [LAG, CPU, ERRORS, MISMATCH]
    assert all(each.ok for each in findings.values())
    assert findings[LAG].value == pytest.approx(0.1, rel=0.01)
    assert findings[CPU].value == pytest.approx(0.2)
    assert findings[ERRORS].value == findings[MISMATCH].value == 0


def test_limits_are_told_with_what_was_found() -> None:
    assert {each.check: each.limit for each in found([counted()]).values()} == {
        LAG: MAXIMUM_LAG_P99,
        CPU: MAXIMUM_CPU,
        ERRORS: MAXIMUM_ERROR_SHARE,
        MISMATCH: MAXIMUM_COUNT_MISMATCH,
    }


def test_a_generator_that_is_often_late_fails() -> None:
    lags = histogram([0.0001] * 96 + [0.040] * 4)
    finding = found([record(), record("optimized", lags=lags)])[LAG]
    assert not finding.ok
    assert finding.reason == "the load generator itself was late: by 40.0 ms at p99"


def test_a_generator_that_is_late_once_passes() -> None:
    assert found([record(lags=histogram([0.0001] * 199 + [5.0]))])[LAG].ok


def test_a_hiccup_with_one_arm_is_seen_among_the_lags_of_all() -> None:
    """Of 80 ms, so late for eight ticks: 2 in 100 of this arm's, but not 1 in 100 of all."""
    hiccup = [each / 100 for each in range(1, 9)]
    blocks = [record(arm, lags=histogram([0.0001] * 400)) for arm in ("naive", "control")]
    late = record("optimized", lags=histogram([0.0001] * 392 + hiccup))
    assert found([*blocks, late])[LAG].ok
    assert not found([late])[LAG].ok


def test_a_generator_whose_lag_nobody_knows_is_not_called_punctual() -> None:
    assert LAG not in found([record(lags=histogram([]))])


@pytest.mark.parametrize(("seconds", "ok"), [(0.89, True), (0.95, False)])
def test_a_generator_that_needs_all_of_its_core_fails(seconds: float, ok: bool) -> None:
    assert found([record(cpu_seconds=seconds)])[CPU].ok is ok


def test_cpu_is_counted_over_all_blocks_of_an_arm() -> None:
    findings = found([record(cpu_seconds=1.0), record(pair=1, seconds=3.0, cpu_seconds=1.0)])
    assert findings[CPU].value == pytest.approx(0.5)


def test_cpu_of_blocks_that_took_no_time_is_none() -> None:
    assert found([record(answered=0, seconds=0.0)])[CPU].value == 0


@pytest.mark.parametrize(("errors", "ok"), [(1, True), (2, False)])
def test_more_than_one_failed_request_in_a_thousand_is_too_many(errors: int, ok: bool) -> None:
    blocks = [record(answered=500), record(pair=1, answered=500 - errors, errors=errors)]
    assert found(blocks)[ERRORS].ok is ok


def test_what_failed_first_is_told() -> None:
    blocks = [record("optimized"), record("optimized", 1, errors=3), record("naive")]
    assert found(blocks)[ERRORS].reason == (
        "3 of 203 requests to optimized failed, first: status 503"
    )


def test_an_arm_that_fares_well_does_not_hide_one_that_does_not() -> None:
    well = [record(arm, pair) for arm in ("naive", "control") for pair in range(4)]
    badly = record("optimized", errors=100, cpu_seconds=1.0, lags=histogram([0.1] * 10))
    findings = found([*well, badly])
    assert [name for name, each in findings.items() if not each.ok] == [LAG, CPU, ERRORS]
    assert findings[ERRORS].value == pytest.approx(0.5)


@pytest.mark.parametrize("requests", [0.0, 99.0, 101.0, 200.0])
def test_a_server_that_counted_other_requests_fails(requests: float) -> None:
    finding = found([counted(requests=requests)])[MISMATCH]
    assert finding.value == pytest.approx(abs(requests - 100) / 100)
    assert not finding.ok
    assert finding.reason == (
        f"100 requests were sent to naive, but the server counted {requests:.0f}"
    )


def test_requests_that_the_server_refused_are_counted_by_both() -> None:
    refused = 'http_server_request_duration_seconds_count{http_response_status_code="503"}'
    block = record(errors=5, counters={COUNTED: 100.0, refused: 5.0})
    assert found([block])[MISMATCH].value == 0


def test_a_server_that_counts_nothing_is_not_checked() -> None:
    assert MISMATCH not in found([record(), record("optimized", counters={"other_total": 9.0})])


def test_blocks_whose_counters_could_not_be_read_are_left_out_of_the_count() -> None:
    assert found([counted(), record(pair=1)])[MISMATCH].value == 0


def test_generators_side_by_side_are_not_held_against_the_servers_count_of_both() -> None:
    assert MISMATCH not in found([counted(requests=200.0)], generators=2)


def test_where_nothing_was_measured_nothing_is_found() -> None:
    assert audit(experiment()) == ()
