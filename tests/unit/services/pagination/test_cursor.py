"""Cursors: what comes out is what went in, and nothing else comes out."""

import base64
import struct
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.contract import TokenParameter
from services.pagination.cursor import EPOCH, MAXIMUM_ROWS, Cursor, Direction, Key, Span, decode

POSITIONS = st.integers(0, 2**63 - 1)
MOMENTS = st.datetimes(timezones=st.just(UTC))
KEYS = st.builds(Key, MOMENTS, st.integers(1, 2**63 - 1))
ENDS = st.builds(Key, MOMENTS, st.integers(1, MAXIMUM_ROWS))
SIDES = st.sampled_from((Direction.AFTER, Direction.BEFORE))
CURSORS = st.builds(Cursor, SIDES, POSITIONS, KEYS) | st.builds(
    Cursor, st.just(Direction.END), POSITIONS, ENDS
)
KEY = Key(datetime(2020, 2, 29, 12, 30, 0, 123_456, tzinfo=UTC), 42)


@given(CURSORS)
def test_a_cursor_comes_back_from_its_token(cursor: Cursor) -> None:
    assert decode(cursor.encode()) == cursor


@given(CURSORS)
def test_a_token_can_stand_in_a_link_as_it_is(cursor: Cursor) -> None:
    parameter = TokenParameter("cursor", "")
    assert parameter.parse(cursor.encode()) == cursor.encode()


@given(st.text(max_size=64))
def test_any_text_is_refused_or_is_the_token_of_the_cursor_that_it_gives(text: str) -> None:
    try:
        cursor = decode(text)
    except ValueError:
        return
    assert cursor.encode() == text


@given(st.binary(min_size=25, max_size=25))
def test_any_25_bytes_are_refused_or_are_a_cursor(packed: bytes) -> None:
    token = base64.urlsafe_b64encode(packed).decode().rstrip("=")
    try:
        cursor = decode(token)
    except ValueError:
        return
    assert cursor.position >= 0
    assert cursor.key.id > 0
    assert cursor.encode() == token


TOKEN = Cursor(Direction.AFTER, 20, KEY).encode()


@pytest.mark.parametrize(
    "token",
    [
        "",
        "a",
        TOKEN[:-1],
        TOKEN + "A",
        TOKEN + "=",
        TOKEN + "==",
        TOKEN[:-1] + chr(ord(TOKEN[-1]) + 1),  # the same bytes, spelled otherwise
        TOKEN.replace("A", " ", 1),
        f" {TOKEN}",
        f"{TOKEN}\n",
        "\u00e9" * len(TOKEN),
    ],
)
def test_a_token_that_was_tampered_with_is_refused(token: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        decode(token)


@pytest.mark.parametrize(
    ("direction", "position", "moment", "number"),
    [
        (0, 0, 0, 0),
        (4, 0, 0, 0),
        (1, -1, 0, 0),
        (1, 0, 0, -1),
        (1, 0, 2**63 - 1, 0),  # a moment beyond what datetime can hold
        (1, 0, -(2**63), 0),
    ],
)
def test_what_no_cursor_can_hold_is_refused(
    direction: int, position: int, moment: int, number: int
) -> None:
    packed = struct.pack(">Bqqq", direction, position, moment, number)
    with pytest.raises(ValueError, match=r".+"):
        decode(base64.urlsafe_b64encode(packed).decode().rstrip("="))


def test_a_moment_keeps_its_microseconds() -> None:
    moment = KEY.created_at + timedelta(microseconds=1)
    assert decode(Cursor(Direction.AFTER, 0, Key(moment, 1)).encode()).key.created_at == moment


@pytest.mark.parametrize(
    ("cursor", "limit", "span"),
    [
        (Cursor(Direction.AFTER, 40, KEY), 20, Span(40, 60)),
        (Cursor(Direction.BEFORE, 40, KEY), 20, Span(20, 40)),
        (Cursor(Direction.BEFORE, 5, KEY), 20, Span(0, 5)),
        (Cursor(Direction.BEFORE, 0, KEY), 20, Span(0, 0)),
        (Cursor(Direction.END, 80, Key(EPOCH, 7)), 20, Span(80, 87)),
        (Cursor(Direction.END, 80, Key(EPOCH, 20)), 20, Span(80, 100)),
        (Cursor(Direction.END, 80, Key(EPOCH, 20)), 5, Span(80, 85)),
        (Cursor(Direction.END, 80, Key(EPOCH, 0)), 20, Span(80, 80)),
    ],
)
def test_a_cursor_says_at_which_positions_its_page_lies(
    cursor: Cursor, limit: int, span: Span
) -> None:
    assert cursor.span(limit) == span


@given(CURSORS, st.integers(1, 100))
def test_a_page_never_has_more_rows_than_asked_for_nor_begins_before_the_first(
    cursor: Cursor, limit: int
) -> None:
    span = cursor.span(limit)
    assert 0 <= span.length <= limit
    assert span.start >= 0
    assert span.start + span.length == span.stop
