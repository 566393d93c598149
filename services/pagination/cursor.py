"""Where a page begins, as one opaque token that every variant understands.

A cursor says the same thing twice: by key (the row beside the page, for keyset) and by position
(how many rows come before, for slicing and OFFSET). So one link leads all variants to one page.
"""

import base64
import binascii
import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
#: No page has more rows, so no cursor counts more.
MAXIMUM_ROWS = 100
_MAXIMUM_NUMBER = 2**63 - 1
#: direction, position, microseconds since 1970, id: big-endian, 25 bytes.
_LAYOUT = struct.Struct(">Bqqq")


class Direction(Enum):
    """On which side of the key the page lies."""

    AFTER = 1
    BEFORE = 2
    #: The last page; its key is the number of rows that it holds.
    END = 3


@dataclass(frozen=True, slots=True)
class Key:
    """What rows are ordered by, newest first."""

    created_at: datetime
    id: int


@dataclass(frozen=True, slots=True)
class Span:
    """The rows of a page by position, counted from 0 at the newest; `stop` is not among them."""

    start: int
    stop: int

    @property
    def length(self) -> int:
        return self.stop - self.start


@dataclass(frozen=True, slots=True)
class Cursor:
    """One edge of a page: its first row (AFTER, END), or the row that follows its last (BEFORE)."""

    direction: Direction
    position: int
    key: Key

    def span(self, limit: int) -> Span:
        """Where the page's rows stood when the cursor was handed out."""
        if self.direction is Direction.BEFORE:
            return Span(max(0, self.position - limit), self.position)
        length = min(limit, self.key.id) if self.direction is Direction.END else limit
        return Span(self.position, self.position + length)

    def encode(self) -> str:
        moment = (self.key.created_at - EPOCH) // _MICROSECOND
        packed = _LAYOUT.pack(self.direction.value, self.position, moment, self.key.id)
        return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def decode(token: str) -> Cursor:
    """Raise ValueError when the token is none that `encode` can have made."""
    try:
        packed = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        direction, position, moment, number = _LAYOUT.unpack(packed)
        cursor = Cursor(Direction(direction), position, Key(EPOCH + moment * _MICROSECOND, number))
    except (binascii.Error, struct.error, OverflowError) as error:
        raise ValueError("not a cursor") from error
    # An END cursor's number of rows is read from the end whatever the limit: it must be bounded.
    most = MAXIMUM_ROWS if cursor.direction is Direction.END else _MAXIMUM_NUMBER
    if position < 0 or not 0 < number <= most or cursor.encode() != token:
        raise ValueError("not a cursor")
    return cursor
