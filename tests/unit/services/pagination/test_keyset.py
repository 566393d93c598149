"""The clause that seeks to a page: which side of the key, in which order, how many rows."""

from datetime import UTC, datetime

import pytest

from services.pagination.cursor import EPOCH, Cursor, Direction, Key
from services.pagination.keyset import Seek, seek

MOMENT = datetime(2020, 2, 29, tzinfo=UTC)
KEY = Key(MOMENT, 42)


@pytest.mark.parametrize(
    ("cursor", "sought"),
    [
        (
            None,
            Seek("ORDER BY posts.created_at DESC, posts.id DESC LIMIT %s", (20,), backwards=False),
        ),
        (
            Cursor(Direction.AFTER, 40, KEY),
            Seek(
                "WHERE (posts.created_at, posts.id) < (%s, %s)"
                " ORDER BY posts.created_at DESC, posts.id DESC LIMIT %s",
                (MOMENT, 42, 20),
                backwards=False,
            ),
        ),
        (
            Cursor(Direction.BEFORE, 40, KEY),
            Seek(
                "WHERE (posts.created_at, posts.id) > (%s, %s)"
                " ORDER BY posts.created_at, posts.id LIMIT %s",
                (MOMENT, 42, 20),
                backwards=True,
            ),
        ),
        (
            Cursor(Direction.END, 40, Key(EPOCH, 7)),
            Seek("ORDER BY posts.created_at, posts.id LIMIT %s", (7,), backwards=True),
        ),
    ],
    ids=["first page", "after a row", "before a row", "last page"],
)
def test_a_page_is_one_range_of_the_index(cursor: Cursor | None, sought: Seek) -> None:
    assert seek(cursor, 20) == sought


@pytest.mark.parametrize("direction", Direction)
def test_there_is_a_value_for_every_place(direction: Direction) -> None:
    sought = seek(Cursor(direction, 40, KEY), 20)
    assert sought.clause.count("%s") == len(sought.parameters)
