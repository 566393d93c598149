"""Which index seek finds a page: the seek method of Markus Winand, "SQL Performance Explained".

The row comparison `(created_at, id) < (…, …)` is one range of one index, so a page costs the same
however many rows lie before it. A page before a key is read backwards and turned round.
"""

from dataclasses import dataclass

from services.pagination.cursor import Cursor, Direction

_NEWEST_FIRST = "ORDER BY posts.created_at DESC, posts.id DESC LIMIT %s"
_OLDEST_FIRST = "ORDER BY posts.created_at, posts.id LIMIT %s"


@dataclass(frozen=True, slots=True)
class Seek:
    """The end of a statement with its parameters; `backwards` when its rows come oldest first."""

    clause: str
    parameters: tuple[object, ...]
    backwards: bool


def seek(cursor: Cursor | None, length: int) -> Seek:
    """`length` is the most rows that the page may have."""
    if cursor is None:
        return Seek(_NEWEST_FIRST, (length,), backwards=False)
    key = (cursor.key.created_at, cursor.key.id)
    match cursor.direction:
        case Direction.AFTER:
            where = "WHERE (posts.created_at, posts.id) < (%s, %s)"
            return Seek(f"{where} {_NEWEST_FIRST}", (*key, length), backwards=False)
        case Direction.BEFORE:
            where = "WHERE (posts.created_at, posts.id) > (%s, %s)"
            return Seek(f"{where} {_OLDEST_FIRST}", (*key, length), backwards=True)
        case Direction.END:
            return Seek(_OLDEST_FIRST, (cursor.key.id,), backwards=True)
