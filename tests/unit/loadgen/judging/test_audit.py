"""The self-audit: each shortcoming is measured, and fails beyond its limit."""

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
from tests.unit.loadgen.evidence_factory import ARMS, experiment, histogram, record

LAG = "schedule lag p99, ms"
CPU = "load generator's CPU, cores"
ERRORS = "failed requests, share"
MISMATCH = "requests not counted alike, share"
COUNTED = 'http_server_request_duration_seconds_count{http_response_status_code="200"}'


def findings_of(blocks: list[Record], generators: int = 1) -> dict[str, Finding]:
    return {each.check: each for each in audit(experiment(blocks), generators)}


def counted(arm: str = "naive", pair: int = 0, requests: float = 100.0, **changes: Any) -> Record:
    return record(arm, pair, counters={COUNTED: requests}, **changes)


def test_a_run_without_shortcomings_passes_every_check() -> None:
    findings = findings_of([counted(arm, pair) for arm in ARMS for pair in range(4)])
    assert list(findings) == [LAG, CPU, ERRORS, MISMATCH]
    assert all(each.ok for each in findings.values())
    assert findings[LAG].value == pytest.approx(0.1, rel=0.01)
    assert findings[CPU].value == pytest.approx(0.2)
    assert findings[ERRORS].value == findings[MISMATCH].value == 0


def test_each_finding_has_its_limit() -> None:
    assert {each.check: each.limit for each in findings_of([counted()]).values()} == {
        LAG: MAXIMUM_LAG_P99,
        CPU: MAXIMUM_CPU,
        ERRORS: MAXIMUM_ERROR_SHARE,
        MISMATCH: MAXIMUM_COUNT_MISMATCH,
    }


def test_a_generator_that_is_often_late_fails() -> None:
    lags = histogram([0.0001] * 96 + [0.040] * 4)
    finding = findings_of([record(), record("optimized", lags=lags)])[LAG]
    assert not finding.ok
    assert finding.reason == "the load generator itself was late: by 40.0 ms at p99"


def test_a_generator_that_is_late_once_passes() -> None:
    assert findings_of([record(lags=histogram([0.0001] * 199 + [5.0]))])[LAG].ok


def test_the_lag_is_that_of_all_arms_together() -> None:
    """A stall makes eight sends late: 2 in 100 of its arm, but less than 1 in 100 of all."""
    stall = [each / 100 for each in range(1, 9)]
    blocks = [record(arm, lags=histogram([0.0001] * 400)) for arm in ("naive", "control")]
    late = record("optimized", lags=histogram([0.0001] * 392 + stall))
    assert findings_of([*blocks, late])[LAG].ok
    assert not findings_of([late])[LAG].ok


def test_without_lags_there_is_no_lag_check() -> None:
    assert LAG not in findings_of([record(lags=histogram([]))])


@pytest.mark.parametrize(("seconds", "ok"), [(0.89, True), (0.95, False)])
def test_a_generator_that_needs_its_whole_core_fails(seconds: float, ok: bool) -> None:
    assert findings_of([record(cpu_seconds=seconds)])[CPU].ok is ok


def test_cpu_is_averaged_over_all_blocks_of_an_arm() -> None:
    findings = findings_of([record(cpu_seconds=1.0), record(pair=1, seconds=3.0, cpu_seconds=1.0)])
    assert findings[CPU].value == pytest.approx(0.5)


def test_cpu_of_blocks_without_duration_is_zero() -> None:
    assert findings_of([record(answered=0, seconds=0.0)])[CPU].value == 0


@pytest.mark.parametrize(("errors", "ok"), [(1, True), (2, False)])
def test_more_than_one_failed_request_in_a_thousand_fails(errors: int, ok: bool) -> None:
    blocks = [record(answered=500), record(pair=1, answered=500 - errors, errors=errors)]
    assert findings_of(blocks)[ERRORS].ok is ok


def test_the_reason_names_the_first_error() -> None:
    blocks = [record("optimized"), record("optimized", 1, errors=3), record("naive")]
    assert findings_of(blocks)[ERRORS].reason == (
        "3 of 203 requests to optimized failed, first: status 503"
    )


def test_good_arms_do_not_hide_a_bad_one() -> None:
    well = [record(arm, pair) for arm in ("naive", "control") for pair in range(4)]
    badly = record("optimized", errors=100, cpu_seconds=1.0, lags=histogram([0.1] * 10))
    findings = findings_of([*well, badly])
    assert [name for name, each in findings.items() if not each.ok] == [LAG, CPU, ERRORS]
    assert findings[ERRORS].value == pytest.approx(0.5)


@pytest.mark.parametrize("requests", [0.0, 99.0, 101.0, 200.0])
def test_a_server_that_counted_another_number_of_requests_fails(requests: float) -> None:
    finding = findings_of([counted(requests=requests)])[MISMATCH]
    assert finding.value == pytest.approx(abs(requests - 100) / 100)
    assert not finding.ok
    assert finding.reason == (
        f"100 requests were sent to naive, but the server counted {requests:.0f}"
    )


def test_refused_requests_count_on_both_sides() -> None:
    refused = 'http_server_request_duration_seconds_count{http_response_status_code="503"}'
    block = record(errors=5, counters={COUNTED: 100.0, refused: 5.0})
    assert findings_of([block])[MISMATCH].value == 0


def test_a_server_without_a_request_counter_is_not_checked() -> None:
    assert MISMATCH not in findings_of(
        [record(), record("optimized", counters={"other_total": 9.0})]
    )


def test_blocks_without_counters_are_left_out_of_the_count() -> None:
    assert findings_of([counted(), record(pair=1)])[MISMATCH].value == 0


def test_several_generators_are_not_checked_against_the_servers_count() -> None:
    assert MISMATCH not in findings_of([counted(requests=200.0)], generators=2)


def test_an_experiment_without_blocks_has_no_findings() -> None:
    assert audit(experiment()) == ()


@pytest.mark.parametrize(
    ("check", "at_the_limit"),
    [
        (LAG, record(lags=histogram([MAXIMUM_LAG_P99 / 1e3]))),
        (CPU, record(cpu_seconds=MAXIMUM_CPU)),
        (ERRORS, record(answered=999, errors=1)),
        (MISMATCH, counted(answered=1000, requests=1001.0)),
    ],
)
def test_a_value_at_its_limit_passes(check: str, at_the_limit: Record) -> None:
    finding = findings_of([at_the_limit])[check]
    assert finding.value == pytest.approx(finding.limit, rel=0.001)
    assert Finding(check, finding.limit, finding.limit, "").ok
    assert not Finding(check, finding.limit * 1.0001, finding.limit, "").ok


def test_the_limits_are_those_of_the_documents() -> None:
    assert (MAXIMUM_LAG_P99, MAXIMUM_CPU) == (20.0, 0.9)
    assert (MAXIMUM_ERROR_SHARE, MAXIMUM_COUNT_MISMATCH) == (0.001, 0.001)


def test_blocks_without_requests_have_no_errors_and_no_mismatch() -> None:
    findings = findings_of([counted(answered=0, requests=0.0)])
    assert findings[ERRORS].value == findings[MISMATCH].value == 0


def test_the_reason_of_the_cpu_check_names_the_worst_arm() -> None:
    blocks = [record("naive", cpu_seconds=0.5), record("optimized", cpu_seconds=0.97)]
    assert findings_of(blocks)[CPU].reason == (
        "the load generator was at its limit: 0.97 cores of CPU with optimized"
    )


def test_without_a_number_of_generators_there_is_one() -> None:
    findings = {each.check: each for each in audit(experiment([counted(requests=200.0)]))}
    assert not findings[MISMATCH].ok


@pytest.mark.parametrize(("sent", "requests", "share"), [(1, 3.0, 2.0), (0, 3.0, 3.0)])
def test_a_mismatch_is_a_share_of_the_requests_sent(
    sent: int, requests: float, share: float
) -> None:
    assert findings_of([counted(answered=sent, requests=requests)])[MISMATCH].value == share
