"""Nesting keeps each comment under its post, in the order of the rows."""

from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from services.avoiding_n_plus_one.nesting import (
    author_from,
    comment_from,
    post_from,
    posts_from_join,
    posts_from_levels,
)

NOON = datetime(2024, 1, 1, 12, tzinfo=UTC)
ONE = datetime(2024, 1, 1, 13, tzinfo=UTC)

#: The number of comments of each post in a list.
shapes = st.lists(st.integers(0, 4), max_size=8)

FIRST_WITH_ONE_COMMENT = [
    {
        "id": 1,
        "title": "first",
        "created_at": NOON,
        "comments": [
            {"id": 10, "body": "well", "created_at": ONE, "author": {"id": 7, "name": "Ann"}}
        ],
    }
]


def comment_rows(post: int, count: int) -> list[tuple[Any, ...]]:
    return [(post * 100 + number, f"body {number}", ONE, 7, "Ann") for number in range(count)]


def nested(shape: list[int]) -> list[dict[str, Any]]:
    """The expected list, nested row by row like the naive variant does."""
    return [
        post_from(
            (post, f"post {post}", NOON),
            [comment_from(row[:3], author_from(row[3:])) for row in comment_rows(post, count)],
        )
        for post, count in enumerate(shape)
    ]


def test_levels_nest_a_comment_under_the_post_before_it() -> None:
    rows = [(1, None, "first", NOON, None, None), (1, 10, "well", ONE, 7, "Ann")]
    assert posts_from_levels(rows) == FIRST_WITH_ONE_COMMENT


def test_a_join_nests_the_comment_of_a_row_under_its_post() -> None:
    rows = [(1, "first", NOON, 10, "well", ONE, 7, "Ann")]
    assert posts_from_join(rows) == FIRST_WITH_ONE_COMMENT


@given(shapes)
def test_levels_nest_like_the_naive_variant(shape: list[int]) -> None:
    rows: list[tuple[Any, ...]] = []
    for post, count in enumerate(shape):
        rows.append((post, None, f"post {post}", NOON, None, None))
        rows += [(post, *comment) for comment in comment_rows(post, count)]
    assert posts_from_levels(rows) == nested(shape)


@given(shapes)
def test_a_join_nests_like_the_naive_variant(shape: list[int]) -> None:
    rows: list[tuple[Any, ...]] = []
    for post, count in enumerate(shape):
        head = (post, f"post {post}", NOON)
        comments = comment_rows(post, count) or [(None,) * 5]
        rows += [(*head, *comment) for comment in comments]
    assert posts_from_join(rows) == nested(shape)


def test_posts_without_comments_do_not_share_a_list() -> None:
    levels = posts_from_levels([(post, None, "", NOON, None, None) for post in (1, 2)])
    joined = posts_from_join([(post, "", NOON, *(None,) * 5) for post in (1, 2)])
    for first, second in (levels, joined):
        assert first["comments"] == second["comments"] == []
        assert first["comments"] is not second["comments"]
