"""Flat rows put together: the right comments under the right posts, in the order given."""

from datetime import UTC, datetime

from services.avoiding_n_plus_one.nesting import posts_with_comments

NOON = datetime(2024, 1, 1, 12, tzinfo=UTC)
ONE = datetime(2024, 1, 1, 13, tzinfo=UTC)


def test_comments_stand_under_their_post_with_their_author() -> None:
    assert posts_with_comments([(1, "first", NOON)], [(1, 10, "well", ONE, 7, "Ann")]) == [
        {
            "id": 1,
            "title": "first",
            "created_at": NOON,
            "comments": [
                {
                    "id": 10,
                    "body": "well",
                    "created_at": ONE,
                    "author": {"id": 7, "name": "Ann"},
                }
            ],
        }
    ]


def test_both_orders_are_kept() -> None:
    posts = [(number, "", NOON) for number in (3, 1, 2)]
    comments = [(post, number, "", ONE, 7, "Ann") for number, post in enumerate((1, 3, 1, 2, 3))]
    nested = posts_with_comments(posts, reversed(comments))
    assert [post["id"] for post in nested] == [3, 1, 2]
    assert [[comment["id"] for comment in post["comments"]] for post in nested] == [
        [4, 1],
        [2, 0],
        [3],
    ]


def test_a_post_without_comments_has_an_empty_list_of_its_own() -> None:
    first, second = posts_with_comments([(1, "", NOON), (2, "", NOON)], [])
    assert first["comments"] == second["comments"] == []
    assert first["comments"] is not second["comments"]


def test_a_comment_on_a_post_that_was_not_asked_for_shows_nowhere() -> None:
    (post,) = posts_with_comments([(1, "", NOON)], [(2, 10, "", ONE, 7, "Ann")])
    assert post["comments"] == []


def test_one_author_of_two_comments_stands_with_both() -> None:
    comments = [(1, number, "", ONE, 7, "Ann") for number in (10, 11)]
    (post,) = posts_with_comments([(1, "", NOON)], comments)
    assert [comment["author"]["name"] for comment in post["comments"]] == ["Ann", "Ann"]
