"""Log records become one bounded line of JSON, whatever values they contain."""

import json
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.async_logging.log_record import MAXIMUM_LINE_BYTES, Level, Record, encode_line
from tests.unit.services.async_logging.log_doubles import MOMENT, sample_record


def test_a_line_has_the_members_of_opentelemetrys_log_data_model() -> None:
    line = encode_line(sample_record(Level.WARNING, "order checked", step=1))
    assert orjson.loads(line) == {
        "timestamp": "2026-11-23T12:00:00.000005+00:00",
        "severity_text": "WARNING",
        "severity_number": 13,
        "body": "order checked",
        "attributes": {"step": 1},
    }


def test_levels_have_opentelemetrys_severity_numbers() -> None:
    # The first number of each range in OpenTelemetry's table of severities.
    assert {level.name: level.value for level in Level} == {
        "DEBUG": 5, "INFO": 9, "WARNING": 13, "ERROR": 17, "CRITICAL": 21,
    }  # fmt: skip


def test_an_attribute_cannot_replace_a_member_of_the_same_name() -> None:
    document = orjson.loads(encode_line(Record(MOMENT, Level.INFO, "true", {"body": "false"})))
    assert document["body"] == "true"


def test_a_body_with_newlines_becomes_one_line() -> None:
    line = encode_line(sample_record(body="one\ntwo\r\u2028three"))
    assert b"\n" not in line
    assert b"\r" not in line
    assert orjson.loads(line)["body"] == "one\ntwo\r\u2028three"


@pytest.mark.parametrize(
    ("value", "decoded"),
    [
        (Path("/logs"), "/logs"),
        (2**80, 2**80),
        ("a lone \ud800", "a lone \ud800"),
        (float("inf"), None),
        ({1: "one"}, {"1": "one"}),
        (frozenset({"a"}), "frozenset({'a'})"),
        (MappingProxyType({"a": 1}), {"a": 1}),
        ([MOMENT, 2**80], ["2026-11-23T12:00:00.000005+00:00", 2**80]),
    ],
)
def test_a_value_without_a_json_form_is_written_as_text(value: object, decoded: object) -> None:
    assert json.loads(encode_line(sample_record(value=value)))["attributes"] == {"value": decoded}


class RaisesOnStr:
    def __str__(self) -> str:
        raise RuntimeError("no text")


def circular_list() -> object:
    value: list[object] = []
    value.append(value)
    return value


@pytest.mark.parametrize(
    "value", [RaisesOnStr(), circular_list(), {(1, 2): 3}, [2**80, float("nan")]]
)
def test_an_attribute_that_cannot_be_encoded_is_replaced_by_the_error(value: object) -> None:
    document = json.loads(encode_line(sample_record(body="a lone \ud800", value=value)))
    assert document["body"] == "a lone ?"
    assert document["attributes"].keys() == {"log.record.not_encodable"}


def test_a_long_record_is_shortened_and_states_its_original_size() -> None:
    long = sample_record(body="x" * 20_000, small=1, large="y" * 5_000, behind=2)
    document = orjson.loads(encode_line(long))
    assert document["body"] == "x" * 512
    assert document["attributes"]["log.record.original_bytes"] > 25_000
    assert document["attributes"]["small"] == 1
    assert "large" not in document["attributes"]


@pytest.mark.parametrize(("excess", "is_shortened"), [(0, False), (1, True)])
def test_only_lines_above_8_kib_are_shortened(excess: int, is_shortened: bool) -> None:
    around_body = len(encode_line(sample_record(body="")))
    body_bytes = 8192 - around_body + excess
    line = encode_line(sample_record(body="x" * body_bytes))
    assert (b"log.record.original_bytes" in line) == is_shortened


@pytest.mark.parametrize(("excess", "is_kept"), [(0, True), (1, False)])
def test_a_shortened_record_keeps_512_bytes_of_attributes(excess: int, is_kept: bool) -> None:
    first, second = {"first": "y" * 100}, {"second": ""}
    encoded_bytes = len(orjson.dumps(first)) + len(orjson.dumps(second))
    attributes = first | {"second": "z" * (512 - encoded_bytes + excess)}
    document = orjson.loads(encode_line(Record(MOMENT, Level.INFO, "x" * 10_000, attributes)))
    del document["attributes"]["log.record.original_bytes"]
    assert document["attributes"] == (attributes if is_kept else first)


ANY_TEXT = st.text(st.characters(exclude_categories=[])) | st.sampled_from(
    ["\x00", "\U0001f600", "\ud800", "é\n"]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=3),
    max_leaves=5,
)


@given(
    body=ANY_TEXT,
    attributes=st.dictionaries(ANY_TEXT, VALUES, max_size=5),
    repetitions=st.sampled_from([1, 600, 9_000]),
    level=st.sampled_from(Level),
    time=st.datetimes(timezones=st.just(UTC)),
)
def test_every_record_becomes_one_bounded_line_of_json(
    body: str, attributes: dict[str, object], repetitions: int, level: Level, time: datetime
) -> None:
    long_text = body * repetitions
    long = {body: long_text, long_text: body} | attributes
    line = encode_line(Record(time, level, long_text, long))
    assert len(line) <= MAXIMUM_LINE_BYTES
    assert b"\n" not in line
    document = json.loads(line, parse_constant=pytest.fail)
    assert document["severity_text"] == level.name
    assert datetime.fromisoformat(document["timestamp"]) == time
