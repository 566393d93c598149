"""All encoders write the same values: six of one document, and NDJSON of many."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.json_serialization import document_encoders as encoders

Encode = Callable[[object], bytes]
ENCODE_AS_JSON: list[Encode] = [
    encoders.encode_with_json,
    encoders.encode_with_orjson,
    encoders.encode_with_ujson,
    encoders.encode_with_rapidjson,
    encoders.encode_with_msgspec,
]
#: Each encoder with a decoder from another project.
ROUND_TRIPS: list[tuple[Encode, Callable[[bytes], Any]]] = [
    *[(encode, json.loads) for encode in ENCODE_AS_JSON],
    (encoders.encode_as_msgpack, msgspec.msgpack.decode),
]

MINUTES_OF_A_DAY = 24 * 60
OFFSETS = st.integers(1 - MINUTES_OF_A_DAY, MINUTES_OF_A_DAY - 1).map(
    lambda minutes: timezone(timedelta(minutes=minutes))
)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
    | st.datetimes(timezones=OFFSETS | st.just(UTC))
)
DOCUMENTS = st.recursive(
    LEAVES,
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
    max_leaves=20,
)


def with_text_for_datetimes(document: Any) -> Any:
    """Return the document as a client decodes it, computed in another way than the encoders do."""
    match document:
        case datetime():
            text = document.isoformat()
            return text.removesuffix("+00:00") + "Z" if text.endswith("+00:00") else text
        case list():
            return [with_text_for_datetimes(each) for each in document]
        case dict():
            return {name: with_text_for_datetimes(value) for name, value in document.items()}
    return document


@given(DOCUMENTS)
def test_every_encoder_writes_the_same_values(document: Any) -> None:
    expected = with_text_for_datetimes(document)
    for encode, decode in ROUND_TRIPS:
        assert decode(encode(document)) == expected


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2024, 1, 2, 3, 4, 5, 678_901, tzinfo=UTC), "2024-01-02T03:04:05.678901Z"),
        (datetime(2024, 1, 2, 3, 4, 5, 100_000, tzinfo=UTC), "2024-01-02T03:04:05.100000Z"),
        (datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC), "2024-01-02T03:04:05Z"),
        (datetime(2024, 1, 2, tzinfo=timezone(timedelta(0))), "2024-01-02T00:00:00Z"),
        (datetime(2024, 1, 2, tzinfo=ZoneInfo("Europe/London")), "2024-01-02T00:00:00Z"),
        (datetime(2024, 7, 2, tzinfo=ZoneInfo("Europe/London")), "2024-07-02T00:00:00+01:00"),
        (datetime(99, 1, 2, tzinfo=UTC), "0099-01-02T00:00:00Z"),
    ],
)
def test_every_encoder_writes_a_datetime_as_the_same_text(moment: datetime, text: str) -> None:
    for encode, decode in ROUND_TRIPS:
        assert decode(encode({"at": moment})) == {"at": text}


def test_every_encoder_refuses_a_value_without_json_form() -> None:
    for encode, _ in ROUND_TRIPS:
        with pytest.raises(TypeError):
            encode({"value": object()})
    with pytest.raises(TypeError):
        encoders.encode_as_ndjson([object()])


@pytest.mark.parametrize("encode", ENCODE_AS_JSON[1:])
def test_every_compiled_encoder_writes_text_without_escapes(encode: Encode) -> None:
    assert encode({"path": "/käse"}) == '{"path":"/käse"}'.encode()


class Shouted(str):
    __slots__ = ()


def test_orjson_and_json_differ_as_the_card_says() -> None:
    assert encoders.encode_with_orjson(float("nan")) == b"null"
    assert encoders.encode_with_json(float("nan")) == b"NaN"
    assert encoders.encode_with_json({1: 2}) == b'{"1": 2}'
    assert encoders.encode_with_json(2**64) == b"18446744073709551616"
    for unsupported in ({1: 2}, 2**64, {Shouted("name"): 1}):
        with pytest.raises(orjson.JSONEncodeError):
            encoders.encode_with_orjson(unsupported)


@given(st.lists(st.dictionaries(st.text(), st.text() | st.integers(0, 100))))
def test_ndjson_has_a_line_for_each_document(documents: list[dict[str, object]]) -> None:
    *lines, end = encoders.encode_as_ndjson(documents).split(b"\n")
    assert [json.loads(line) for line in lines] == documents
    assert end == b""


def test_ndjson_writes_datetimes_as_the_other_encoders_do() -> None:
    documents = [{"at": datetime(2024, 1, 2, tzinfo=UTC)}]
    assert encoders.encode_as_ndjson(documents) == b'{"at":"2024-01-02T00:00:00Z"}\n'
