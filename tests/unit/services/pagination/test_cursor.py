"""Cursors: what comes out is what went in, and says where its page lies."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.pagination.cursor import Cursor, Edge, End, Key, Side, Span, pack, span, unpack
from services.pagination.signer import Signer
from services.pagination.technique import CURSOR

NUMBERS = st.integers(0, 2**63 - 1)
MOMENTS = st.datetimes(timezones=st.just(UTC))
#: PostgreSQL's texts: no NUL, no surrogates. No key is longer than what listing.py cuts.
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=64)
KEYS: st.SearchStrategy[Key] = MOMENTS | TEXTS
EDGES = st.builds(Edge, st.sampled_from(Side), NUMBERS, KEYS, NUMBERS)
CURSORS: st.SearchStrategy[Cursor] = EDGES | st.builds(End, NUMBERS, st.integers(1, 100))
KEY = datetime(2020, 2, 29, 12, 30, 0, 123_456, tzinfo=UTC)


@given(CURSORS)
def test_a_cursor_comes_back_as_it_went(cursor: Cursor) -> None:
    assert unpack(pack(cursor)) == cursor


def test_a_moment_keeps_its_microseconds() -> None:
    cursor = Edge(Side.AFTER, 0, KEY + timedelta(microseconds=1), 1)
    assert unpack(pack(cursor)) == cursor != unpack(pack(Edge(Side.AFTER, 0, KEY, 1)))


@given(CURSORS)
def test_its_token_is_one_that_the_parameter_takes(cursor: Cursor) -> None:
    token = Signer(b"key").sign(pack(cursor), b"newest 0 None")
    assert CURSOR.parse(token) == token


def test_the_longest_key_leads_to_no_token_that_the_parameter_refuses() -> None:
    longest = Edge(Side.BEFORE, 2**63 - 1, "\x01" * 64, 2**63 - 1)
    CURSOR.parse(Signer(b"key").sign(pack(longest), b""))


@pytest.mark.parametrize(
    ("cursor", "limit", "expected"),
    [
        (None, 20, Span(0, 20)),
        (Edge(Side.AFTER, 40, KEY, 1), 20, Span(40, 60)),
        (Edge(Side.BEFORE, 40, KEY, 1), 20, Span(20, 40)),
        (Edge(Side.BEFORE, 5, KEY, 1), 20, Span(0, 5)),
        (Edge(Side.BEFORE, 0, KEY, 1), 20, Span(0, 0)),
        (End(80, 7), 20, Span(80, 87)),
        (End(80, 20), 20, Span(80, 100)),
        (End(80, 20), 5, Span(80, 85)),
    ],
)
def test_a_cursor_says_at_which_positions_its_page_lies(
    cursor: Cursor | None, limit: int, expected: Span
) -> None:
    assert span(cursor, limit) == expected


@given(st.none() | CURSORS, st.integers(1, 100), st.none() | st.integers(1, 2**63))
def test_a_page_never_has_more_rows_than_asked_for_nor_lies_beyond_the_list(
    cursor: Cursor | None, limit: int, end: int | None
) -> None:
    wanted = span(cursor, limit).until(end)
    assert 0 <= wanted.length <= limit
    assert wanted.start >= 0
    assert end is None or wanted.stop <= end
