"""Rows that are encoded once."""

from operator import itemgetter
from typing import Any

import orjson

from services.json_serialization.encoded_rows import EncodedRows


def row(number: int, version: int = 1) -> dict[str, Any]:
    return {"id": number, "version": version, "text": "ä" * number}


def kept(maximum: int) -> EncodedRows[dict[str, Any]]:
    return EncodedRows(itemgetter("id", "version"), maximum)


def test_joined_they_are_the_same_bytes() -> None:
    rows = [row(number) for number in range(5)]
    encoded = kept(maximum=10)
    for _ in range(2):
        assert orjson.dumps(encoded.of(rows)) == orjson.dumps(rows)


def test_a_row_is_encoded_once() -> None:
    encoded = kept(maximum=10)
    (first,) = encoded.of([row(1)])
    (second,) = encoded.of([row(1)])
    assert second is first


def test_a_row_with_a_new_key_is_encoded_anew() -> None:
    encoded = kept(maximum=10)
    encoded.of([row(1)])
    assert orjson.dumps(encoded.of([row(1, version=2)])) == orjson.dumps([row(1, version=2)])


def test_no_more_rows_are_kept_than_was_said_and_the_oldest_go_first() -> None:
    encoded = kept(maximum=3)
    rows = [row(number) for number in range(5)]
    before = encoded.of(rows)
    assert len(encoded) == 3
    after = encoded.of(rows[2:])
    assert all(new is old for new, old in zip(after, before[2:], strict=True))
    assert orjson.dumps(encoded.of(rows)) == orjson.dumps(rows)
    assert len(encoded) == 3
