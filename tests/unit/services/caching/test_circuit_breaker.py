"""The circuit breaker: when it opens, which caller probes, and what closes it."""

import pytest

from services.caching.circuit_breaker import BreakerState, CircuitBreaker
from tests.clock import Clock

MAXIMUM_FAILURES = 3
PAUSE_SECONDS = 10


@pytest.fixture
def clock() -> Clock:
    return Clock(100.0)


@pytest.fixture
def changes() -> list[BreakerState]:
    return []


@pytest.fixture
def breaker(clock: Clock, changes: list[BreakerState]) -> CircuitBreaker:
    return CircuitBreaker(MAXIMUM_FAILURES, PAUSE_SECONDS, changes.append, clock)


def fail(breaker: CircuitBreaker, times: int) -> None:
    for _ in range(times):
        breaker.record_failure()


def test_the_breaker_opens_after_the_maximum_of_failures_in_a_row(
    breaker: CircuitBreaker,
) -> None:
    fail(breaker, 2)
    assert breaker.allows_calls
    fail(breaker, 1)
    assert not breaker.allows_calls


def test_a_success_resets_the_count_of_failures(breaker: CircuitBreaker) -> None:
    fail(breaker, 2)
    breaker.record_success()
    fail(breaker, 2)
    assert breaker.allows_calls
    fail(breaker, 1)
    assert not breaker.allows_calls


def test_a_closed_breaker_needs_no_probe(breaker: CircuitBreaker) -> None:
    assert breaker.claim_probe() is False


def test_one_caller_claims_the_probe_after_each_pause(
    breaker: CircuitBreaker, clock: Clock
) -> None:
    fail(breaker, 3)
    assert not breaker.claim_probe()
    clock.now += PAUSE_SECONDS
    assert [breaker.claim_probe() for _ in range(3)] == [True, False, False]
    assert breaker.state is BreakerState.HALF_OPEN
    assert not breaker.allows_calls
    breaker.record_probe(False)
    assert not breaker.claim_probe()
    clock.now += PAUSE_SECONDS
    assert breaker.claim_probe()


def test_only_a_successful_probe_closes_the_breaker(
    breaker: CircuitBreaker, clock: Clock, changes: list[BreakerState]
) -> None:
    fail(breaker, 3)
    breaker.record_success()  # of a call that began before the breaker opened
    assert not breaker.allows_calls
    clock.now += PAUSE_SECONDS
    breaker.claim_probe()
    breaker.record_probe(True)
    assert breaker.allows_calls
    assert changes == [BreakerState.OPEN, BreakerState.HALF_OPEN, BreakerState.CLOSED]


def test_a_successful_probe_resets_the_count_of_failures(
    breaker: CircuitBreaker, clock: Clock
) -> None:
    fail(breaker, 3)
    clock.now += PAUSE_SECONDS
    breaker.claim_probe()
    breaker.record_probe(True)
    fail(breaker, 2)
    assert breaker.allows_calls


def test_late_failures_of_earlier_calls_do_not_delay_the_probe(
    breaker: CircuitBreaker, clock: Clock, changes: list[BreakerState]
) -> None:
    fail(breaker, 3)
    clock.now += PAUSE_SECONDS - 1
    fail(breaker, 20)
    clock.now += 1
    assert breaker.claim_probe()
    assert changes == [BreakerState.OPEN, BreakerState.HALF_OPEN]
