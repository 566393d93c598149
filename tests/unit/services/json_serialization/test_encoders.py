"""Six encoders, one document."""

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

from services.json_serialization import encoders

Encode = Callable[[object], bytes]
ENCODE_AS_JSON: list[Encode] = [
    encoders.encode_with_json,
    encoders.encode_with_orjson,
    encoders.encode_with_ujson,
    encoders.encode_with_rapidjson,
    encoders.encode_with_msgspec,
]
#: Each way to encode, with one to decode that another project wrote.
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


def with_text_for_moments(document: Any) -> Any:
    """The document as a client gets it; told in another way than the encoders do."""
    match document:
        case datetime():
            text = document.isoformat()
            return text.removesuffix("+00:00") + "Z" if text.endswith("+00:00") else text
        case list():
            return [with_text_for_moments(each) for each in document]
        case dict():
            return {name: with_text_for_moments(value) for name, value in document.items()}
    return document


@given(DOCUMENTS)
def test_every_encoder_says_the_same(document: Any) -> None:
    expected = with_text_for_moments(document)
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
def test_a_moment_is_the_same_text_everywhere(moment: datetime, text: str) -> None:
    for encode, decode in ROUND_TRIPS:
        assert decode(encode({"at": moment})) == {"at": text}


def test_what_has_no_json_form_is_refused_by_all() -> None:
    for encode, _ in ROUND_TRIPS:
        with pytest.raises(TypeError):
            encode({"value": object()})


@pytest.mark.parametrize("encode", ENCODE_AS_JSON[1:])
def test_but_for_json_itself_text_is_written_as_it_is(encode: Encode) -> None:
    assert encode({"path": "/käse"}) == '{"path":"/käse"}'.encode()


class Shouted(str):
    __slots__ = ()


def test_what_the_card_says_of_orjson_and_json_is_so() -> None:
    assert encoders.encode_with_orjson(float("nan")) == b"null"
    assert encoders.encode_with_json(float("nan")) == b"NaN"
    assert encoders.encode_with_json({1: 2}) == b'{"1": 2}'
    assert encoders.encode_with_json(2**64) == b"18446744073709551616"
    for strange in ({1: 2}, 2**64, {Shouted("name"): 1}):
        with pytest.raises(orjson.JSONEncodeError):
            encoders.encode_with_orjson(strange)
