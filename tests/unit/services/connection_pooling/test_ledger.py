"""The ledger's decisions: which connection is lent, opened, checked, closed or reported."""

from asyncio import InvalidStateError
from dataclasses import asdict
from typing import Any

import pytest

from services.connection_pooling.ledger import (
    Ledger,
    PooledConnection,
    PoolLimits,
    TooManyWaiters,
)
from services.settings import Settings

LIMITS = PoolLimits(
    minimum=2,
    maximum=4,
    maximum_waiters=3,
    check_idle_seconds=5,
    maximum_idle_seconds=60,
    maximum_age_seconds=600,
    leak_seconds=10,
)


class Waiter:
    """The methods of asyncio.Future that the ledger calls."""

    def __init__(self) -> None:
        self.pooled: PooledConnection[str] | None = None
        self.error: Exception | None = None
        self.is_cancelled = False

    def done(self) -> bool:
        return self.is_cancelled or self.pooled is not None or self.error is not None

    def set_result(self, pooled: PooledConnection[str], /) -> None:
        if self.done():
            raise InvalidStateError
        self.pooled = pooled

    def set_exception(self, error: Exception, /) -> None:
        if self.done():
            raise InvalidStateError
        self.error = error


def ledger_with(*names: str, **changes: Any) -> Ledger[str]:
    """A ledger with these free connections, opened at the times 0, 1, 2 and so on."""
    ledger: Ledger[str] = Ledger(PoolLimits(**asdict(LIMITS) | changes))
    for now, name in enumerate(names):
        ledger.make_available(PooledConnection(name, now, expires_at=600), now)
    return ledger


def lend(ledger: Ledger[str]) -> PooledConnection[str]:
    pooled = ledger.lend_free()
    assert pooled is not None
    return pooled


def add_waiters(ledger: Ledger[str], count: int) -> list[Waiter]:
    waiters = [Waiter() for _ in range(count)]
    for waiter in waiters:
        ledger.add_waiter(waiter)
    return waiters


def names(connections: list[PooledConnection[str]]) -> list[str]:
    return [pooled.connection for pooled in connections]


def borrow_here(pooled: PooledConnection[str]) -> None:
    pooled.borrower_code = borrow_here.__code__
    pooled.borrower_line = 7


# ── Lending ─────────────────────────────────────────────────────────────────────────────────────


def test_the_connection_used_last_is_lent_first() -> None:
    ledger = ledger_with("a", "b")
    assert lend(ledger).connection == "b"
    assert lend(ledger).connection == "a"
    assert ledger.lend_free() is None
    assert ledger.size == 2


def test_the_first_waiter_gets_the_returned_connection() -> None:
    ledger = ledger_with("a")
    pooled = lend(ledger)
    waiters = add_waiters(ledger, 3)
    for served in range(3):
        ledger.make_available(pooled, 1)
        assert [waiter.pooled is pooled for waiter in waiters].count(True) == served + 1
        assert waiters[served].pooled is pooled
    assert ledger.lent == {pooled}
    ledger.make_available(pooled, 2)
    assert ledger.free == [pooled]
    assert not ledger.lent


def test_a_connection_passed_to_a_waiter_gets_new_times() -> None:
    ledger = ledger_with("a")
    pooled = lend(ledger)
    add_waiters(ledger, 1)
    ledger.make_available(pooled, 50)
    assert (pooled.borrowed_at, pooled.returned_at) == (50, 50)


def test_a_cancelled_waiter_is_skipped() -> None:
    ledger = ledger_with("a")
    pooled = lend(ledger)
    first, second = add_waiters(ledger, 2)
    first.is_cancelled = True
    ledger.make_available(pooled, 1)
    assert second.pooled is pooled


def test_a_removed_waiter_gets_no_connection() -> None:
    ledger = ledger_with("a")
    pooled = lend(ledger)
    first, second = add_waiters(ledger, 2)
    ledger.remove_waiter(first)
    ledger.remove_waiter(first)
    ledger.make_available(pooled, 1)
    assert (first.pooled, second.pooled) == (None, pooled)


def test_a_waiter_beyond_the_maximum_is_refused() -> None:
    ledger = ledger_with()
    add_waiters(ledger, 3)
    with pytest.raises(TooManyWaiters, match="3 callers already wait"):
        ledger.add_waiter(Waiter())


def test_failing_the_waiters_gives_each_its_own_error() -> None:
    ledger = ledger_with()
    first, second, cancelled = add_waiters(ledger, 3)
    cancelled.is_cancelled = True
    ledger.fail_waiters(ConnectionError("gone"))
    errors = [waiter.error for waiter in (first, second)]
    assert [repr(error) for error in errors] == ["ConnectionError('gone')"] * 2
    assert errors[0] is not errors[1]
    assert cancelled.error is None
    assert not ledger.waiters


# ── Opening ─────────────────────────────────────────────────────────────────────────────────────


def test_connections_missing_to_the_minimum_are_opened_together() -> None:
    ledger = ledger_with(minimum=3)
    assert ledger.missing_connections() == 3
    ledger.opening = 2
    assert ledger.missing_connections() == 1


@pytest.mark.parametrize(
    ("lent", "opening", "waiting", "expected"),
    [
        pytest.param(2, 0, 0, 0, id="no waiter"),
        pytest.param(2, 0, 3, 1, id="one at a time for many waiters"),
        pytest.param(2, 1, 3, 0, id="another one is being opened"),
        pytest.param(4, 0, 3, 0, id="the maximum is open"),
        pytest.param(3, 1, 3, 0, id="the maximum is open or being opened"),
    ],
)
def test_beyond_the_minimum_connections_are_opened_one_at_a_time_for_waiters(
    lent: int, opening: int, waiting: int, expected: int
) -> None:
    ledger = ledger_with(*"abcd"[:lent])
    for _ in range(lent):
        ledger.lend_free()
    ledger.opening = opening
    add_waiters(ledger, waiting)
    assert ledger.missing_connections() == expected


# ── Checking ────────────────────────────────────────────────────────────────────────────────────


def test_a_connection_idle_for_longer_than_allowed_needs_a_check() -> None:
    ledger = ledger_with("a")
    pooled = ledger.free[0]
    assert not ledger.needs_check(pooled, now=5)
    assert ledger.needs_check(pooled, now=5.1)


def test_after_a_failure_every_other_connection_needs_one_check() -> None:
    ledger = ledger_with("a", "b")
    ledger.note_failure(now=2)
    first = lend(ledger)
    assert ledger.needs_check(first, now=2)
    ledger.make_available(first, 2)
    assert not ledger.needs_check(first, now=2)
    assert ledger.needs_check(ledger.free[0], now=2)


# ── Closing ─────────────────────────────────────────────────────────────────────────────────────


def test_free_connections_expire_at_their_maximum_age() -> None:
    ledger = ledger_with("a")
    ledger.make_available(PooledConnection("b", 0, expires_at=50), 50)
    assert names(ledger.expired_connections(now=49)) == []
    assert names(ledger.expired_connections(now=50)) == ["b"]


def test_connections_idle_longest_are_surplus_down_to_the_minimum() -> None:
    ledger = ledger_with("a", "b", "c", "d")
    assert ledger.surplus_connections(now=59) == []
    assert names(ledger.surplus_connections(now=60)) == ["a"]
    assert names(ledger.surplus_connections(now=1000)) == ["a", "b"]


@pytest.mark.parametrize("count", [1, 2])
def test_no_connection_is_surplus_up_to_the_minimum(count: int) -> None:
    ledger = ledger_with(*"ab"[:count])
    assert ledger.surplus_connections(now=1000) == []


def test_a_removed_connection_is_neither_free_nor_lent() -> None:
    ledger = ledger_with("a", "b")
    pooled = lend(ledger)
    ledger.remove(pooled)
    ledger.remove(ledger.free[0])
    assert ledger.size == 0


# ── Leaks and limits ────────────────────────────────────────────────────────────────────────────


def test_a_leak_is_reported_once_per_loan() -> None:
    ledger = ledger_with("a")
    pooled = lend(ledger)
    pooled.borrowed_at = 5
    assert list(ledger.new_leaks(now=14)) == []
    assert list(ledger.new_leaks(now=15)) == [pooled]
    assert list(ledger.new_leaks(now=100)) == []


def test_the_borrower_is_named_by_file_line_and_function() -> None:
    pooled = PooledConnection("a", 0, expires_at=600)
    assert pooled.borrower == "an unknown place"
    borrow_here(pooled)
    assert pooled.borrower == f"{__file__}:7 in borrow_here"


def test_the_default_limits_are_the_default_settings() -> None:
    settings = {name: field.default for name, field in Settings.model_fields.items()}
    assert PoolLimits(minimum=8, maximum=8) == PoolLimits(
        minimum=settings["pool_min"],
        maximum=settings["pool_max"],
        maximum_waiters=settings["pool_waiting"],
        timeout_seconds=settings["pool_timeout"],
        check_idle_seconds=settings["pool_check_idle"],
        maximum_idle_seconds=settings["pool_max_idle"],
        maximum_age_seconds=settings["pool_max_age"],
        leak_seconds=settings["pool_leak_after"],
    )
