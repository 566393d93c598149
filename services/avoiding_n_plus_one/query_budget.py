"""Counts the statements of a piece of work against a budget.

A service reports the counts (`budgeted_handler.py`). A test fails over budget, with a message that
names the repeated statement:

    with query_budget(3) as budget:
        await list_posts(CountedSession(session, budget))
"""

from collections import Counter
from collections.abc import Awaitable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

Row = tuple[Any, ...]


class QuerySession(Protocol):
    """Sends a statement and returns all its rows."""

    def fetch(self, statement: str, parameters: Sequence[object] = ()) -> Awaitable[list[Row]]: ...


class QueryBudgetExceeded(AssertionError):
    """The work sent more statements than allowed. Test runners count it as a failed assertion."""


class QueryBudget:
    """Counts statements by their text. Values must be parameters, not part of the text."""

    __slots__ = ("_counts", "allowed")

    def __init__(self, allowed: int) -> None:
        self.allowed = allowed
        self._counts: Counter[str] = Counter()

    def count(self, statement: str) -> None:
        self._counts[statement] += 1

    @property
    def spent(self) -> int:
        """The number of statements sent."""
        return self._counts.total()

    @property
    def is_exceeded(self) -> bool:
        return self.spent > self.allowed

    def check(self) -> None:
        """Raises QueryBudgetExceeded, which lists the statements, most frequent first."""
        if self.is_exceeded:
            raise QueryBudgetExceeded(
                f"{self.spent} statements were sent, {self.allowed} are allowed:\n"
                + "\n".join(
                    f"{times:6} × {' '.join(text.split())}"
                    for text, times in self._counts.most_common()
                )
            )


@contextmanager
def query_budget(allowed: int) -> Iterator[QueryBudget]:
    """A budget that is checked at the end of the block. Raises QueryBudgetExceeded.

    If the block raises, its own exception passes and the budget is not checked.
    """
    budget = QueryBudget(allowed)
    yield budget
    budget.check()


class CountedSession:
    """A session that counts each statement when it is sent, so failing statements count too."""

    __slots__ = ("_budget", "_session")

    def __init__(self, session: QuerySession, budget: QueryBudget) -> None:
        self._session = session
        self._budget = budget

    def fetch(self, statement: str, parameters: Sequence[object] = ()) -> Awaitable[list[Row]]:
        self._budget.count(statement)
        # Returns the awaitable without awaiting it. Another coroutine per statement would cost
        # more than the counting.
        return self._session.fetch(statement, parameters)
