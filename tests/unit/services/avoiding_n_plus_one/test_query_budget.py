"""A budget counts what was sent, and tells what was sent too often."""

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


class Table:
    """A session over numbers: posts 1 to `posts`, and no comments; it fails for post 13."""

    def __init__(self, posts: int) -> None:
        self._posts = posts

    async def fetch(
        self, statement: str, parameters: Sequence[object] = ()
    ) -> list[tuple[Any, ...]]:
        if parameters == (13,):
            raise ConnectionError("the server has gone")
        return [] if parameters else [(number,) for number in range(1, self._posts + 1)]


async def read_row_by_row(session: CountedSession) -> None:
    for (post,) in await session.fetch(POSTS):
        await session.fetch(COMMENTS, (post,))


async def test_work_within_its_budget_passes() -> None:
    with query_budget(3) as budget:
        await read_row_by_row(CountedSession(Table(posts=2), budget))
    assert budget.spent == 3
    assert not budget.is_exceeded


async def test_one_statement_more_fails_and_names_the_repeated_one_first() -> None:
    with pytest.raises(QueryBudgetExceeded) as caught, query_budget(3) as budget:
        await read_row_by_row(CountedSession(Table(posts=3), budget))
    assert str(caught.value).splitlines() == [
        "4 statements were sent, 3 are allowed:",
        "     3 × SELECT id FROM comments WHERE post_id = %s",
        "     1 × SELECT id FROM posts",
    ]


def test_a_budget_exceeded_fails_an_assertion_for_any_test_runner() -> None:
    assert issubclass(QueryBudgetExceeded, AssertionError)


async def test_a_statement_that_fails_has_been_sent() -> None:
    budget = QueryBudget(20)
    with pytest.raises(ConnectionError):
        await read_row_by_row(CountedSession(Table(posts=20), budget))
    assert budget.spent == 14


async def test_the_work_s_own_failure_is_not_hidden_by_the_budget() -> None:
    with pytest.raises(ConnectionError), query_budget(3) as budget:
        await read_row_by_row(CountedSession(Table(posts=20), budget))
    assert budget.is_exceeded


async def test_rows_and_parameters_pass_through() -> None:
    assert await CountedSession(Table(posts=2), QueryBudget(1)).fetch(POSTS) == [(1,), (2,)]


def test_a_budget_of_none_allows_none() -> None:
    budget = QueryBudget(0)
    budget.check()
    budget.count(POSTS)
    with pytest.raises(QueryBudgetExceeded):
        budget.check()
