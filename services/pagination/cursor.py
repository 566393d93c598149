"""Where a page begins, as values; `Signer` makes one opaque token of each.

A cursor says the same thing twice: by key (the row beside the page, for keyset) and by position
(how many rows come before, for slicing and OFFSET). So one link leads all variants to one page.
Rows that are inserted or deleted meanwhile shift positions, and never keys.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

#: What rows are sorted by, before their id; a datetime has a time zone.
Key = datetime | str

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_END = "end"
#: Made once: json.dumps would make an encoder on each call, for several times the price.
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class Side(StrEnum):
    """On which side of the row the page lies."""

    AFTER = "after"
    BEFORE = "before"


@dataclass(frozen=True, slots=True)
class Edge:
    """Beside the row with this key and id. `position` counts the rows before the edge."""

    side: Side
    position: int
    key: Key
    id: int


@dataclass(frozen=True, slots=True)
class End:
    """The last page: so many rows, counted from the end of the list, and `position` before them."""

    position: int
    rows: int


Cursor = Edge | End


@dataclass(frozen=True, slots=True)
class Span:
    """The rows of a page by position, counted from 0; `stop` is not among them."""

    start: int
    stop: int

    @property
    def length(self) -> int:
        return self.stop - self.start

    def until(self, end: int | None) -> "Span":
        """What of it lies before `end`; all of it when that is None."""
        return self if end is None else Span(min(self.start, end), min(self.stop, end))


def span(cursor: Cursor | None, limit: int) -> Span:
    """Where the page's rows stood when the cursor was handed out; None is the first page."""
    match cursor:
        case None:
            return Span(0, limit)
        case End():
            return Span(cursor.position, cursor.position + min(limit, cursor.rows))
        case Edge(side=Side.BEFORE):
            return Span(max(0, cursor.position - limit), cursor.position)
        case Edge():
            return Span(cursor.position, cursor.position + limit)


def pack(cursor: Cursor) -> bytes:
    """JSON, in which a moment is a number (microseconds since 1970) and any other key a text."""
    if isinstance(cursor, End):
        members: list[object] = [_END, cursor.position, cursor.rows]
    else:
        members = [cursor.side, cursor.position, _packed(cursor.key), cursor.id]
    return _encode(members).encode()


def unpack(packed: bytes) -> Cursor:
    """Only for what `pack` has made: whoever lets it out of their hands must sign it."""
    kind, position, *rest = json.loads(packed)
    if kind == _END:
        return End(position, rest[0])
    key, number = rest
    return Edge(Side(kind), position, _unpacked(key), number)


def _packed(key: Key) -> int | str:
    return (key - _EPOCH) // _MICROSECOND if isinstance(key, datetime) else key


def _unpacked(key: int | str) -> Key:
    return _EPOCH + key * _MICROSECOND if isinstance(key, int) else key
