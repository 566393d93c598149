"""A budget counts statements and names the repeated ones when it is exceeded."""

from collections.abc import Sequence
from typing import Any

import pytest

from services.avoiding_n_plus_one.query_budget import (
    CountedSession,
    QueryBudget,
    QueryBudgetExceeded,
    query_budget,
)

POSTS = "SELECT id FROM posts"
COMMENTS = "SELECT id\n    FROM comments WHERE post_id = %s"


class PostsSession:
    """A session with the posts 1 to `posts` and no comments. It fails for post 13."""

    def __init__(self, posts: int) -> None:
        self._posts = posts

    async def fetch(
        self, statement: str, parameters: Sequence[object] = ()
    ) -> list[tuple[Any, ...]]:
        if parameters == (13,):
            raise ConnectionError("the server is unreachable")
        return [] if parameters else [(number,) for number in range(1, self._posts + 1)]


async def read_row_by_row(session: CountedSession) -> None:
    for (post,) in await session.fetch(POSTS):
        await session.fetch(COMMENTS, (post,))


async def test_work_within_the_budget_passes() -> None:
    with query_budget(3) as budget:
        await read_row_by_row(CountedSession(PostsSession(posts=2), budget))
    assert budget.spent == 3
    assert not budget.is_exceeded


async def test_an_exceeded_budget_lists_statements_most_frequent_first() -> None:
    with pytest.raises(QueryBudgetExceeded) as caught, query_budget(3) as budget:
        await read_row_by_row(CountedSession(PostsSession(posts=3), budget))
    assert str(caught.value).splitlines() == [
        "4 statements were sent, 3 are allowed:",
        "     3 × SELECT id FROM comments WHERE post_id = %s",
        "     1 × SELECT id FROM posts",
    ]


def test_an_exceeded_budget_is_a_failed_assertion_for_test_runners() -> None:
    assert issubclass(QueryBudgetExceeded, AssertionError)


async def test_a_failing_statement_is_counted() -> None:
    budget = QueryBudget(20)
    with pytest.raises(ConnectionError):
        await read_row_by_row(CountedSession(PostsSession(posts=20), budget))
    assert budget.spent == 14


async def test_an_error_in_the_block_is_not_replaced_by_the_budget() -> None:
    with pytest.raises(ConnectionError), query_budget(3) as budget:
        await read_row_by_row(CountedSession(PostsSession(posts=20), budget))
    assert budget.is_exceeded


async def test_a_counted_session_passes_rows_and_parameters_through() -> None:
    assert await CountedSession(PostsSession(posts=2), QueryBudget(1)).fetch(POSTS) == [(1,), (2,)]


def test_a_budget_of_zero_allows_no_statement() -> None:
    budget = QueryBudget(0)
    budget.check()
    budget.count(POSTS)
    with pytest.raises(QueryBudgetExceeded):
        budget.check()
