"""How many statements a piece of work may send, and which ones it did send.

A service counts and reports; a test fails, and is told which statement was repeated:

    with query_budget(3) as budget:
        await list_posts(CountedSession(session, budget))
"""

from collections import Counter
from collections.abc import Awaitable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

Row = tuple[Any, ...]


class Session(Protocol):
    """Whatever sends one statement and gives all its rows."""

    def fetch(self, statement: str, parameters: Sequence[object] = ()) -> Awaitable[list[Row]]: ...


class QueryBudgetExceeded(AssertionError):
    """More statements were sent than allowed; to a test runner it is a failure, not an error."""


class QueryBudget:
    """Counts statements by their text, which must not hold values: those are parameters."""

    __slots__ = ("_sent", "allowed")

    def __init__(self, allowed: int) -> None:
        self.allowed = allowed
        self._sent: Counter[str] = Counter()

    def count(self, statement: str) -> None:
        self._sent[statement] += 1

    @property
    def spent(self) -> int:
        return self._sent.total()

    @property
    def is_exceeded(self) -> bool:
        return self.spent > self.allowed

    def check(self) -> None:
        """Raise QueryBudgetExceeded with the statements that were sent, the most frequent first."""
        if self.is_exceeded:
            raise QueryBudgetExceeded(
                f"{self.spent} statements were sent, {self.allowed} are allowed:\n"
                + "\n".join(
                    f"{times:6} × {' '.join(text.split())}"
                    for text, times in self._sent.most_common()
                )
            )


@contextmanager
def query_budget(allowed: int) -> Iterator[QueryBudget]:
    """A budget that is checked at the end. Raises QueryBudgetExceeded.

    Not checked when the work itself fails: its own exception says more.
    """
    budget = QueryBudget(allowed)
    yield budget
    budget.check()


class CountedSession:
    """A session whose statements are counted as they are sent, also those that then fail."""

    __slots__ = ("_budget", "_session")

    def __init__(self, session: Session, budget: QueryBudget) -> None:
        self._session = session
        self._budget = budget

    def fetch(self, statement: str, parameters: Sequence[object] = ()) -> Awaitable[list[Row]]:
        """As the session's own."""
        self._budget.count(statement)
        # Not awaited here: a coroutine more for each statement would cost more than the counting.
        return self._session.fetch(statement, parameters)
