"""Cursors: encoding and decoding, and the positions of their pages."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.pagination.cursor import (
    Cursor,
    Key,
    LastPageCursor,
    RowCursor,
    Side,
    Span,
    decode_cursor,
    encode_cursor,
    span_of,
)
from services.pagination.signer import Signer
from services.pagination.technique import CURSOR

NUMBERS = st.integers(0, 2**63 - 1)
MOMENTS = st.datetimes(timezones=st.just(UTC))
#: Text as PostgreSQL stores it: no NUL, no surrogates. listing.py cuts keys to 64 characters.
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=64)
KEYS: st.SearchStrategy[Key] = MOMENTS | TEXTS
EDGES = st.builds(RowCursor, st.sampled_from(Side), NUMBERS, KEYS, NUMBERS)
CURSORS: st.SearchStrategy[Cursor] = EDGES | st.builds(LastPageCursor, NUMBERS, st.integers(1, 100))
KEY = datetime(2020, 2, 29, 12, 30, 0, 123_456, tzinfo=UTC)


@given(CURSORS)
def test_decoding_an_encoded_cursor_returns_the_cursor(cursor: Cursor) -> None:
    assert decode_cursor(encode_cursor(cursor)) == cursor


def test_a_datetime_key_keeps_its_microseconds() -> None:
    cursor = RowCursor(Side.AFTER, 0, KEY + timedelta(microseconds=1), 1)
    assert (
        decode_cursor(encode_cursor(cursor))
        == cursor
        != decode_cursor(encode_cursor(RowCursor(Side.AFTER, 0, KEY, 1)))
    )


@given(CURSORS)
def test_the_parameter_accepts_the_token_of_any_cursor(cursor: Cursor) -> None:
    token = Signer(b"key").sign(encode_cursor(cursor), b"newest 0 None")
    assert CURSOR.parse(token) == token


def test_the_parameter_accepts_the_token_of_the_longest_key() -> None:
    longest = RowCursor(Side.BEFORE, 2**63 - 1, "\x01" * 64, 2**63 - 1)
    CURSOR.parse(Signer(b"key").sign(encode_cursor(longest), b""))


@pytest.mark.parametrize(
    ("cursor", "limit", "expected"),
    [
        (None, 20, Span(0, 20)),
        (RowCursor(Side.AFTER, 40, KEY, 1), 20, Span(40, 60)),
        (RowCursor(Side.BEFORE, 40, KEY, 1), 20, Span(20, 40)),
        (RowCursor(Side.BEFORE, 5, KEY, 1), 20, Span(0, 5)),
        (RowCursor(Side.BEFORE, 0, KEY, 1), 20, Span(0, 0)),
        (LastPageCursor(80, 7), 20, Span(80, 87)),
        (LastPageCursor(80, 20), 20, Span(80, 100)),
        (LastPageCursor(80, 20), 5, Span(80, 85)),
    ],
)
def test_a_cursor_and_a_limit_determine_the_positions_of_a_page(
    cursor: Cursor | None, limit: int, expected: Span
) -> None:
    assert span_of(cursor, limit) == expected


@given(st.none() | CURSORS, st.integers(1, 100), st.none() | st.integers(1, 2**63))
def test_a_page_exceeds_neither_its_limit_nor_the_end_of_the_list(
    cursor: Cursor | None, limit: int, end: int | None
) -> None:
    span = span_of(cursor, limit).clipped(end)
    assert 0 <= span.length <= limit
    assert span.start >= 0
    assert end is None or span.stop <= end


@pytest.mark.parametrize(
    ("cursor", "encoded"),
    [
        (RowCursor(Side.AFTER, 40, KEY, 7), '["after",40,1582979400123456,7]'),
        (RowCursor(Side.BEFORE, 40, "\u00e9", 7), '["before",40,"\u00e9",7]'),
        (LastPageCursor(40, 7), '["end",40,7]'),
    ],
)
def test_tokens_of_older_releases_stay_readable(cursor: Cursor, encoded: str) -> None:
    # If this layout changes, increase the number in signer.py.
    assert encode_cursor(cursor) == encoded.encode()


def test_a_clipped_span_ends_with_the_list() -> None:
    span = Span(20, 40)
    assert span.clipped(None) == span.clipped(40) == span
    assert span.clipped(30) == Span(20, 30)
    assert span.clipped(10) == Span(10, 10)
    assert span.length == 20
