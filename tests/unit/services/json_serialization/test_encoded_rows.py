"""EncodedRows encodes each row once, and drops the rows that were encoded first."""

from operator import itemgetter
from typing import Any

import orjson

from services.json_serialization.encoded_rows import EncodedRows


def row(number: int, version: int = 1) -> dict[str, Any]:
    return {"id": number, "version": version, "text": "ä" * number}


def encoded_rows(maximum: int) -> EncodedRows[dict[str, Any]]:
    return EncodedRows(itemgetter("id", "version"), maximum)


def test_joined_fragments_are_the_bytes_of_the_whole_document() -> None:
    rows = [row(number) for number in range(5)]
    encoded = encoded_rows(maximum=10)
    for _ in range(2):
        assert orjson.dumps(encoded.encode(rows)) == orjson.dumps(rows)


def test_a_row_is_encoded_once() -> None:
    encoded = encoded_rows(maximum=10)
    (first,) = encoded.encode([row(1)])
    (second,) = encoded.encode([row(1)])
    assert second is first


def test_a_row_with_a_new_key_is_encoded_again() -> None:
    encoded = encoded_rows(maximum=10)
    encoded.encode([row(1)])
    assert orjson.dumps(encoded.encode([row(1, version=2)])) == orjson.dumps([row(1, version=2)])


def test_at_most_the_maximum_of_rows_is_kept_and_the_first_encoded_are_dropped() -> None:
    encoded = encoded_rows(maximum=3)
    rows = [row(number) for number in range(5)]
    before = encoded.encode(rows)
    assert len(encoded) == 3
    after = encoded.encode(rows[2:])
    assert all(new is old for new, old in zip(after, before[2:], strict=True))
    assert orjson.dumps(encoded.encode(rows)) == orjson.dumps(rows)
    assert len(encoded) == 3


def test_a_row_that_is_used_again_is_dropped_in_the_order_of_encoding() -> None:
    encoded = encoded_rows(maximum=2)
    (first,) = encoded.encode([row(1)])
    encoded.encode([row(2), row(1)])
    encoded.encode([row(3)])
    (again,) = encoded.encode([row(1)])
    assert again is not first
