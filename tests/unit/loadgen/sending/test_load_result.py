"""Load results: how outcomes are counted."""

import pytest

from loadgen.sending.connection import RequestFailed, Response
from loadgen.sending.load_result import LoadResult


def test_a_result_keeps_the_reason_of_its_first_error() -> None:
    result = LoadResult()
    result.count(RequestFailed("first"), 1.0)
    result.count(Response(404, 7, b"", ""), 1.0)
    assert (result.errors, result.first_error) == (2, "first")
    assert (result.answered, result.body_bytes, result.latencies.count) == (0, 0, 0)


@pytest.mark.parametrize("status", [200, 204, 299])
def test_a_success_counts_with_its_latency_and_its_bytes(status: int) -> None:
    result = LoadResult()
    result.count(Response(status, 7, b"", ""), 0.5)
    result.count(Response(status, 5, b"", ""), 0.5)
    assert (result.answered, result.errors, result.body_bytes) == (2, 0, 12)
    assert result.latencies.maximum == pytest.approx(0.5, rel=0.001)


@pytest.mark.parametrize("status", [199, 300, 404, 503])
def test_a_status_outside_2xx_counts_as_an_error(status: int) -> None:
    result = LoadResult()
    result.count(Response(status, 7, b"", ""), 0.5)
    assert (result.answered, result.errors, result.first_error) == (0, 1, f"status {status}")


def test_throughput_is_answers_per_second_and_zero_without_a_duration() -> None:
    assert LoadResult().requests_per_second == 0
    assert LoadResult(answered=5).requests_per_second == 0
    assert LoadResult(seconds=2.0, answered=5, sent=9).requests_per_second == 2.5


def test_a_new_result_is_empty() -> None:
    result = LoadResult()
    assert (result.seconds, result.sent, result.answered, result.errors) == (0, 0, 0, 0)
    assert (result.first_error, result.body_bytes) == ("", 0)
