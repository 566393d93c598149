"""Records as lines: one JSON object each, of bounded length, whatever is in them."""

import json
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.async_logging.record import MAXIMUM_LINE_BYTES, Level, Record, as_line
from tests.unit.services.async_logging.made_up import MOMENT, record


def test_a_line_has_the_members_of_opentelemetrys_log_data_model() -> None:
    line = as_line(record(Level.WARNING, "order checked", step=1))
    assert orjson.loads(line) == {
        "timestamp": "2026-11-23T12:00:00.000005+00:00",
        "severity_text": "WARNING",
        "severity_number": 13,
        "body": "order checked",
        "attributes": {"step": 1},
    }


def test_an_attribute_cannot_pass_for_a_member() -> None:
    document = orjson.loads(as_line(Record(MOMENT, Level.INFO, "true", {"body": "false"})))
    assert document["body"] == "true"


def test_a_record_stays_on_its_line() -> None:
    line = as_line(record(body="one\ntwo\r\u2028three"))
    assert b"\n" not in line
    assert b"\r" not in line
    assert orjson.loads(line)["body"] == "one\ntwo\r\u2028three"


@pytest.mark.parametrize(
    ("value", "read"),
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
def test_no_value_keeps_a_record_from_being_written(value: object, read: object) -> None:
    assert json.loads(as_line(record(value=value)))["attributes"] == {"value": read}


class Spiteful:
    def __str__(self) -> str:
        raise RuntimeError("not me")


def circular() -> object:
    value: list[object] = []
    value.append(value)
    return value


@pytest.mark.parametrize("value", [Spiteful(), circular(), {(1, 2): 3}, [2**80, float("nan")]])
def test_what_cannot_be_encoded_leaves_a_record_that_says_so(value: object) -> None:
    document = json.loads(as_line(record(body="a lone \ud800", value=value)))
    assert document["body"] == "a lone ?"
    assert document["attributes"].keys() == {"log.record.not_encodable"}


def test_a_long_record_is_shortened_and_says_how_long_it_was() -> None:
    long = record(body="x" * 20_000, small=1, large="y" * 5_000, behind=2)
    line = as_line(long)
    document = orjson.loads(line)
    assert document["body"] == "x" * 512
    assert document["attributes"]["log.record.original_bytes"] > 25_000
    assert document["attributes"]["small"] == 1
    assert "large" not in document["attributes"]


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
    times=st.sampled_from([1, 600, 9_000]),  # the text again and again
    level=st.sampled_from(Level),
    time=st.datetimes(timezones=st.just(UTC)),
)
def test_every_record_becomes_one_bounded_line_of_json(
    body: str, attributes: dict[str, object], times: int, level: Level, time: datetime
) -> None:
    long = {body: body * times, body * times: body} | attributes
    line = as_line(Record(time, level, body * times, long))
    assert len(line) <= MAXIMUM_LINE_BYTES
    assert b"\n" not in line
    document = json.loads(line, parse_constant=pytest.fail)
    assert document["severity_text"] == level.name
    assert datetime.fromisoformat(document["timestamp"]) == time
