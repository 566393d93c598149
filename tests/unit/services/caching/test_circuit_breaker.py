"""When it opens, who probes, and what closes it; time is told, not waited for."""

import pytest

from services.caching.circuit_breaker import CircuitBreaker, State
from tests.clock import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def changes() -> list[State]:
    return []


@pytest.fixture
def breaker(clock: Clock, changes: list[State]) -> CircuitBreaker:
    return CircuitBreaker(3, 10, changes.append, clock)


def fail(breaker: CircuitBreaker, times: int) -> None:
    for _ in range(times):
        breaker.failed()


def test_it_opens_after_so_many_failures_in_a_row(breaker: CircuitBreaker) -> None:
    fail(breaker, 2)
    assert breaker.admits
    fail(breaker, 1)
    assert not breaker.admits


def test_a_success_between_failures_starts_the_count_anew(breaker: CircuitBreaker) -> None:
    fail(breaker, 2)
    breaker.succeeded()
    fail(breaker, 2)
    assert breaker.admits


def test_there_is_one_probe_after_each_pause(breaker: CircuitBreaker, clock: Clock) -> None:
    assert not breaker.begin_probe()
    fail(breaker, 3)
    assert not breaker.begin_probe()
    clock.now = 10
    assert [breaker.begin_probe() for _ in range(3)] == [True, False, False]
    assert breaker.state is State.HALF_OPEN
    assert not breaker.admits
    breaker.probed(False)
    assert not breaker.begin_probe()
    clock.now = 20
    assert breaker.begin_probe()


def test_only_a_probe_closes_it(
    breaker: CircuitBreaker, clock: Clock, changes: list[State]
) -> None:
    fail(breaker, 3)
    breaker.succeeded()  # of a call that began before
    assert not breaker.admits
    clock.now = 10
    breaker.begin_probe()
    breaker.probed(True)
    assert breaker.admits
    assert changes == [State.OPEN, State.HALF_OPEN, State.CLOSED]
    fail(breaker, 2)
    assert breaker.admits


def test_failures_of_calls_that_are_still_under_way_do_not_put_off_the_probe(
    breaker: CircuitBreaker, clock: Clock
) -> None:
    fail(breaker, 3)
    clock.now = 9
    fail(breaker, 20)
    clock.now = 10
    assert breaker.begin_probe()
