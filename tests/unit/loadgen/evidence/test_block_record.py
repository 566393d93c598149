"""Records of blocks: stored, read, merged, and checked for contradictions."""

from collections.abc import Callable
from typing import Any

import orjson
import pytest

from loadgen.evidence.block_record import Record, together, total
from tests.unit.loadgen.evidence_factory import histogram, record

FULL = record(
    "optimized", 3, 0.004, errors=2, counters={"b_total": 2.5, "a_total": 1.0}, cpu_seconds=0.25
)


def stored(block: Record) -> Any:
    return orjson.loads(orjson.dumps(block.as_document()))


def test_a_record_is_read_from_json_as_it_was_written() -> None:
    assert Record.from_document(stored(FULL)) == FULL


def test_counters_are_written_in_one_order() -> None:
    backwards = dict(reversed(list(FULL.counters.items())))
    other = record("optimized", 3, 0.004, errors=2, counters=backwards, cpu_seconds=0.25)
    assert orjson.dumps(other.as_document()) == orjson.dumps(FULL.as_document())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("arm", 7),
        ("sent", "102"),
        ("answered", 100.0),
        ("errors", True),
        ("errors", -1),
        ("seconds", None),
        ("seconds", -0.5),
        ("counters", []),
        ("latencies", "HISTFAAAA"),
        ("lags", 7),
    ],
)
def test_a_field_with_an_impossible_value_is_refused(name: str, value: object) -> None:
    with pytest.raises((ValueError, TypeError)):
        Record.from_document({**stored(FULL), name: value})


@pytest.mark.parametrize("name", ["arm", "lags", "cpu_seconds"])
def test_a_record_without_one_of_its_fields_is_refused(name: str) -> None:
    document = stored(FULL)
    del document[name]
    with pytest.raises(KeyError):
        Record.from_document(document)


def test_a_record_with_an_unknown_field_is_refused() -> None:
    with pytest.raises(TypeError):
        Record.from_document({**stored(FULL), "more": 1})


def test_a_record_whose_counts_agree_has_no_contradiction() -> None:
    assert FULL.contradiction == ""


def test_another_number_of_latencies_than_answers_is_a_contradiction() -> None:
    assert record(sent=99, body_bytes=0, latencies=histogram([0.001])).contradiction == (
        "1 latencies of 100 answers"
    )


def test_a_request_without_answer_or_error_is_a_contradiction() -> None:
    assert record(errors=3, sent=102).contradiction == "100 answers and 3 errors of 102 requests"


def test_throughput_counts_only_answered_requests() -> None:
    assert record(errors=10, seconds=2.0).requests_per_second == 50
    assert record(seconds=0.0).requests_per_second == 0


@pytest.mark.parametrize(
    ("what", "expected"),
    [
        (lambda merged: (merged.sent, merged.answered, merged.errors), (181, 180, 1)),
        (lambda merged: merged.body_bytes, 1800),
        (lambda merged: merged.counters, {"x_total": 5.0, "y_total": 1.0}),
        (lambda merged: merged.latencies.count, 180),
        (lambda merged: merged.lags.count, 40),
        # Two generators side by side take the time of one, and each has its own core.
        (lambda merged: merged.seconds, 1.5),
        (lambda merged: merged.cpu_seconds, 0.9),
        (lambda merged: merged.first_error, "status 503"),
        (lambda merged: merged.contradiction, ""),
    ],
)
def test_blocks_of_two_generators_add_up(
    what: Callable[[Record], object], expected: object
) -> None:
    one = record(answered=80, seconds=1.5, counters={"x_total": 2.0}, cpu_seconds=0.9)
    other = record(errors=1, counters={"x_total": 3.0, "y_total": 1.0}, cpu_seconds=0.3)
    assert what(one.merged(other)) == expected


def test_merging_leaves_both_blocks_as_they_were() -> None:
    one, other = record(counters={"x_total": 2.0}), record(median=0.01)
    one.merged(other)
    assert (one, other) == (record(counters={"x_total": 2.0}), record(median=0.01))


def test_histograms_together_have_the_values_of_all() -> None:
    assert together(histogram([0.001]), histogram([0.002, 0.003])) == histogram(
        [0.001, 0.002, 0.003]
    )
    assert together().count == 0


def test_counters_that_only_one_has_are_in_the_total() -> None:
    assert total({"a": 1.0}, {"a": 2.0, "b": 0.5}) == {"a": 3.0, "b": 0.5}
