"""Records as lines: one JSON object each, whatever is in them."""

import json
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest

from services.async_logging.record import as_line, make_record


def test_a_record_says_when_what_and_for_which_request() -> None:
    record = make_record("INFO", "order checked", "the-request", step=1)
    moment = record.pop("timestamp")
    assert isinstance(moment, datetime)
    assert moment.tzinfo is UTC
    assert record == {
        "level": "INFO",
        "message": "order checked",
        "request_id": "the-request",
        "step": 1,
    }


def test_a_line_is_a_json_object() -> None:
    record = make_record("INFO", "order checked", "the-request", step=1)
    document = orjson.loads(as_line(record))
    assert datetime.fromisoformat(document["timestamp"]) == record["timestamp"]
    assert document["step"] == 1


def test_a_record_stays_on_its_line() -> None:
    line = as_line(make_record("INFO", "one\ntwo\r\u2028three", "the-request"))
    assert "\n" not in line
    assert "\r" not in line
    assert orjson.loads(line)["message"] == "one\ntwo\r\u2028three"


def test_what_has_no_json_form_is_written_as_its_text() -> None:
    assert orjson.loads(as_line({"where": Path("/logs")})) == {"where": "/logs"}


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (2**80, 2**80),
        ("a lone \ud800", "a lone \ud800"),
        (float("inf"), None),
        ({1: "one"}, {"1": "one"}),
        (frozenset({"a"}), "frozenset({'a'})"),
    ],
)
def test_no_value_keeps_a_record_from_being_written(value: object, read: object) -> None:
    assert json.loads(as_line({"value": value})) == {"value": read}
