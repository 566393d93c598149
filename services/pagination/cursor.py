"""Cursors: values that say where a page begins. `signer.py` turns each into one opaque token.

A cursor locates a page twice: by the key of a neighbouring row (for keyset) and by position (for
slicing and OFFSET). One link therefore leads every variant to the same page. Rows that are inserted
or deleted later shift positions, but never keys.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

#: The value that rows are sorted by before their id. A datetime must have a time zone.
Key = datetime | str

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_LAST_PAGE = "end"
#: Made once, because json.dumps makes an encoder per call and then takes several times as long.
_encode_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class Side(StrEnum):
    """Whether the page lies after or before the cursor's row."""

    AFTER = "after"
    BEFORE = "before"


@dataclass(frozen=True, slots=True)
class RowCursor:
    """The page next to the row with this key and id.

    `position` is the number of rows before the boundary between that row and the page.
    """

    side: Side
    position: int
    key: Key
    id: int


@dataclass(frozen=True, slots=True)
class LastPageCursor:
    """The last page: the list's last `rows` rows, with `position` rows before them."""

    position: int
    rows: int


Cursor = RowCursor | LastPageCursor


@dataclass(frozen=True, slots=True)
class Span:
    """The positions of a page's rows, counted from 0. `stop` is exclusive."""

    start: int
    stop: int

    @property
    def length(self) -> int:
        return self.stop - self.start

    def clipped(self, end: int | None) -> "Span":
        """The part before position `end`; the whole span if `end` is None."""
        return self if end is None else Span(min(self.start, end), min(self.stop, end))


def span_of(cursor: Cursor | None, limit: int) -> Span:
    """The positions of the page when the cursor was created. None is the first page."""
    match cursor:
        case None:
            return Span(0, limit)
        case LastPageCursor():
            return Span(cursor.position, cursor.position + min(limit, cursor.rows))
        case RowCursor(side=Side.BEFORE):
            return Span(max(0, cursor.position - limit), cursor.position)
        case RowCursor():
            return Span(cursor.position, cursor.position + limit)


def encode_cursor(cursor: Cursor) -> bytes:
    """A JSON array. A datetime becomes a number: microseconds since 1970."""
    if isinstance(cursor, LastPageCursor):
        members: list[object] = [_LAST_PAGE, cursor.position, cursor.rows]
    else:
        members = [cursor.side, cursor.position, _encode_key(cursor.key), cursor.id]
    return _encode_json(members).encode()


def decode_cursor(encoded: bytes) -> Cursor:
    """The cursor. `encoded` must come from `encode_cursor`: verify a client's token first."""
    kind, position, *rest = json.loads(encoded)
    if kind == _LAST_PAGE:
        return LastPageCursor(position, rest[0])
    key, row_id = rest
    return RowCursor(Side(kind), position, _decode_key(key), row_id)


def _encode_key(key: Key) -> int | str:
    return (key - _EPOCH) // _MICROSECOND if isinstance(key, datetime) else key


def _decode_key(key: int | str) -> Key:
    return _EPOCH + key * _MICROSECOND if isinstance(key, int) else key
