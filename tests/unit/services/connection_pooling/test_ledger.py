"""What the pool's books decide: times are given, nothing is opened."""

from asyncio import InvalidStateError
from typing import Any

import pytest

from services.connection_pooling.ledger import Entry, Ledger, Limits, TooManyWaiting

LIMITS = Limits(
    minimum=2, maximum=4, waiting=3, check_idle=5, maximum_idle=60, maximum_age=600, leak_after=10
)


class Waiter:
    """As much of a future as the ledger may know."""

    def __init__(self) -> None:
        self.entry: Entry[str] | None = None
        self.gave_up = False

    def done(self) -> bool:
        return self.gave_up or self.entry is not None

    def set_result(self, entry: Entry[str], /) -> None:
        if self.done():
            raise InvalidStateError
        self.entry = entry


def ledger(*names: str, **changes: Any) -> Ledger[str]:
    """With these connections free, given at the times 0, 1, 2, …"""
    limits = {name: getattr(LIMITS, name) for name in LIMITS.__slots__} | changes
    books: Ledger[str] = Ledger(Limits(**limits))
    for now, name in enumerate(names):
        books.give(Entry(name, now, expires=600), now)
    return books


def borrowed(books: Ledger[str]) -> Entry[str]:
    entry = books.borrow()
    assert entry is not None
    return entry


def joined(books: Ledger[str], count: int) -> list[Waiter]:
    waiters = [Waiter() for _ in range(count)]
    for waiter in waiters:
        books.join(waiter)
    return waiters


def names(entries: list[Entry[str]]) -> list[str]:
    return [entry.connection for entry in entries]


def test_the_connection_used_last_is_lent_first() -> None:
    books = ledger("a", "b")
    assert borrowed(books).connection == "b"
    assert borrowed(books).connection == "a"
    assert books.borrow() is None
    assert books.size == 2


def test_who_has_waited_longest_is_served_first() -> None:
    books = ledger("a")
    entry = borrowed(books)
    waiters = joined(books, 3)
    for served in range(3):
        books.give(entry, 1)
        assert [waiter.entry is entry for waiter in waiters].count(True) == served + 1
        assert waiters[served].entry is entry
    assert books.lent == {entry}
    books.give(entry, 2)
    assert books.free == [entry]
    assert not books.lent


def test_who_gave_up_is_passed_over() -> None:
    books = ledger("a")
    entry = borrowed(books)
    first, second = joined(books, 2)
    first.gave_up = True
    books.give(entry, 1)
    assert second.entry is entry


def test_who_left_is_not_served() -> None:
    books = ledger("a")
    entry = borrowed(books)
    first, second = joined(books, 2)
    books.leave(first)
    books.leave(first)
    books.give(entry, 1)
    assert (first.entry, second.entry) == (None, entry)


def test_more_than_may_wait_are_refused() -> None:
    books = ledger()
    joined(books, 3)
    with pytest.raises(TooManyWaiting, match="3 are waiting"):
        books.join(Waiter())


def test_what_is_missing_to_the_minimum_is_opened_at_once() -> None:
    books = ledger(minimum=3)
    assert books.to_open() == 3
    books.opening = 2
    assert books.to_open() == 1


@pytest.mark.parametrize(
    ("lent", "opening", "waiting", "expected"),
    [
        (2, 0, 0, 0),  # nobody waits
        (2, 0, 3, 1),  # one at a time, however many wait
        (2, 1, 3, 0),  # that one is on its way
        (4, 0, 3, 0),  # as many as there may be
        (3, 1, 3, 0),
    ],
)
def test_beyond_the_minimum_one_at_a_time_is_opened_while_somebody_waits(
    lent: int, opening: int, waiting: int, expected: int
) -> None:
    books = ledger(*"abcd"[:lent])
    for _ in range(lent):
        books.borrow()
    books.opening = opening
    joined(books, waiting)
    assert books.to_open() == expected


def test_a_connection_is_checked_when_it_was_idle_for_longer_than_it_may() -> None:
    books = ledger("a")
    entry = books.free[0]
    assert not books.to_check(entry, now=5)
    assert books.to_check(entry, now=5.1)


def test_after_a_death_each_other_connection_is_checked_once() -> None:
    books = ledger("a", "b")
    books.suspect(now=2)
    first = borrowed(books)
    assert books.to_check(first, now=2)
    books.give(first, 2)
    assert not books.to_check(first, now=2)
    assert books.to_check(books.free[0], now=2)


def test_the_old_go() -> None:
    books = ledger("a")
    books.give(Entry("b", 0, expires=50), 50)
    assert names(books.too_old(now=49)) == []
    assert names(books.too_old(now=50)) == ["b"]


def test_those_idle_for_longest_go_down_to_the_minimum() -> None:
    books = ledger("a", "b", "c", "d")
    assert books.to_spare(now=59) == []
    assert names(books.to_spare(now=60)) == ["a"]
    assert names(books.to_spare(now=1000)) == ["a", "b"]


def test_a_leak_is_told_once_for_each_time_that_it_is_lent() -> None:
    books = ledger("a")
    entry = borrowed(books)
    entry.borrowed = 5
    assert list(books.leaks(now=14)) == []
    assert list(books.leaks(now=15)) == [entry]
    assert list(books.leaks(now=100)) == []


def test_what_is_struck_is_neither_free_nor_lent() -> None:
    books = ledger("a", "b")
    entry = borrowed(books)
    books.strike(entry)
    books.strike(books.free[0])
    assert books.size == 0
