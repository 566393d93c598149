"""The supply: the connections that it opens and closes, and the errors that waiters get."""

import asyncio
import logging

import psycopg2
import pytest

from services.connection_pooling.connection_supply import JITTER, ConnectionSupply, PoolClosed
from services.connection_pooling.ledger import Ledger, PooledConnection, PoolLimits
from tests.clock import Clock
from tests.counting_observer import CountingObserver
from tests.unit.services.connection_pooling.open_connection import OpenConnection

#: Seconds. A supply that never finishes closing would otherwise block for the default of 120.
pytestmark = pytest.mark.timeout(15)

Waiter = asyncio.Future[PooledConnection[OpenConnection]]


class Scenario:
    """A supply that opens connections while `gate` is open. Each of `errors` is raised once."""

    def __init__(self, minimum: int, maximum: int) -> None:
        self.clock = Clock(1000.0)
        self.observer = CountingObserver()
        self.ledger: Ledger[OpenConnection] = Ledger(PoolLimits(minimum, maximum))
        self.supply = ConnectionSupply(self.connect, self.ledger, self.observer, self.clock)
        self.errors: list[Exception] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def connect(self) -> OpenConnection:
        await self.gate.wait()
        if self.errors:
            raise self.errors.pop()
        return OpenConnection()

    def add_waiter(self) -> Waiter:
        waiter: Waiter = asyncio.get_running_loop().create_future()
        self.ledger.add_waiter(waiter)
        return waiter

    def lend(self) -> PooledConnection[OpenConnection]:
        pooled = self.ledger.lend_free()
        assert pooled is not None
        return pooled


async def pass_control(times: int = 5) -> None:
    """Lets the event loop run other tasks this many times."""
    for _ in range(times):
        await asyncio.sleep(0)


# ── Opening ─────────────────────────────────────────────────────────────────────────────────────


async def test_the_minimum_is_opened() -> None:
    pool = Scenario(3, 5)
    await pool.supply.open_minimum()
    assert (len(pool.ledger.free), pool.ledger.opening, pool.observer.opened) == (3, 0, 3)


async def test_connections_expire_at_different_times_before_their_maximum_age() -> None:
    pool = Scenario(50, 50)
    await pool.supply.open_minimum()
    maximum_age = pool.ledger.limits.maximum_age_seconds
    ages = [pooled.expires_at - pool.clock() for pooled in pool.ledger.free]
    assert all((1 - JITTER) * maximum_age <= age <= maximum_age for age in ages)
    assert max(ages) - min(ages) > JITTER * maximum_age / 2
    assert JITTER == 0.2


async def test_an_error_while_opening_the_minimum_closes_the_opened_connections() -> None:
    pool = Scenario(3, 3)
    pool.errors = [psycopg2.OperationalError("refused")]
    with pytest.raises(psycopg2.OperationalError, match="refused"):
        await pool.supply.open_minimum()
    assert (pool.ledger.size, pool.observer.closed) == (0, {"drained": 2})
    assert pool.supply.is_closing


async def test_cancelling_the_opening_of_the_minimum_keeps_no_connection() -> None:
    pool = Scenario(2, 2)
    pool.gate.clear()
    opening = asyncio.create_task(pool.supply.open_minimum())
    await pass_control()
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    assert (pool.ledger.size, pool.ledger.opening, pool.supply.is_closing) == (0, 0, True)


async def test_a_missing_connection_is_opened_in_the_background_for_a_waiter() -> None:
    pool = Scenario(0, 1)
    waiter = pool.add_waiter()
    pool.supply.open_missing()
    assert (pool.ledger.opening, waiter.done()) == (1, False)
    await pass_control()
    assert waiter.result() in pool.ledger.lent
    assert pool.ledger.opening == 0


async def test_one_connection_after_another_is_opened_while_callers_wait() -> None:
    pool = Scenario(0, 3)
    waiters = [pool.add_waiter() for _ in range(4)]
    pool.supply.open_missing()
    await pass_control(20)
    assert [waiter.done() for waiter in waiters] == [True, True, True, False]


async def test_a_closing_supply_opens_nothing() -> None:
    pool = Scenario(2, 2)
    await pool.supply.close(0)
    pool.supply.open_missing()
    assert pool.ledger.opening == 0


async def test_waiters_fail_when_opening_fails_and_no_connection_is_left(
    caplog: pytest.LogCaptureFixture,
) -> None:
    pool = Scenario(0, 1)
    pool.errors = [psycopg2.OperationalError("refused\n")]
    waiter = pool.add_waiter()
    pool.supply.open_missing()
    await pass_control()
    with pytest.raises(psycopg2.OperationalError, match="refused"):
        await waiter
    assert caplog.messages == ["cannot open a connection: refused"]


async def test_waiters_keep_waiting_when_opening_fails_but_a_connection_is_left() -> None:
    pool = Scenario(1, 2)
    await pool.supply.open_minimum()
    pooled = pool.lend()
    pool.errors = [psycopg2.OperationalError("refused")]
    waiter = pool.add_waiter()
    pool.supply.open_missing()
    await pass_control()
    assert not waiter.done()
    pool.ledger.make_available(pooled, 1000.0)
    assert await waiter is pooled


async def test_waiters_keep_waiting_while_another_connection_is_being_opened() -> None:
    pool = Scenario(2, 2)
    pool.errors = [psycopg2.OperationalError("refused")]
    waiter = pool.add_waiter()
    pool.supply.open_missing()
    await pass_control()
    assert waiter.result() in pool.ledger.lent
    assert pool.ledger.size >= 1


# ── Closing ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("closed", "closings"), [(0, 1), (1, 0), (2, 1)])
async def test_a_connection_closed_by_the_client_is_not_closed_again(
    closed: int, closings: int
) -> None:
    pool = Scenario(1, 1)
    await pool.supply.open_minimum()
    pooled = pool.lend()
    pooled.connection.closed = closed
    pool.supply.close_connection(pooled, "failed")
    assert pooled.connection.closings == closings
    assert (pool.ledger.size, pool.observer.closed) == (0, {"failed": 1})


async def test_closing_fails_waiters_and_closes_free_connections() -> None:
    pool = Scenario(2, 2)
    await pool.supply.open_minimum()
    waiter = pool.add_waiter()
    await pool.supply.close(0)
    with pytest.raises(PoolClosed):
        await waiter
    assert (pool.ledger.size, pool.observer.closed) == (0, {"drained": 2})


async def test_closing_waits_for_the_last_lent_connection() -> None:
    pool = Scenario(2, 2)
    await pool.supply.open_minimum()
    lent = [pool.lend(), pool.lend()]
    closing = asyncio.create_task(pool.supply.close(3600))
    for pooled in lent:
        await pass_control()
        assert not closing.done()
        pool.supply.close_connection(pooled, "drained")
    await closing


async def test_closing_ends_lent_connections_after_its_timeout(
    caplog: pytest.LogCaptureFixture,
) -> None:
    pool = Scenario(1, 1)
    await pool.supply.open_minimum()
    pooled = pool.lend()
    await pool.supply.close(0)
    assert (pooled.connection.closings, pool.observer.closed) == (1, {"drained": 1})
    assert "while in use; borrowed at an unknown place" in caplog.messages[0]
    assert caplog.records[0].levelno == logging.WARNING


async def test_closing_cancels_connections_that_are_being_opened() -> None:
    pool = Scenario(0, 1)
    pool.gate.clear()
    pool.add_waiter()
    pool.supply.open_missing()
    await pass_control()
    await pool.supply.close(0)
    assert (pool.ledger.opening, pool.observer.opened) == (0, 0)


async def test_a_connection_opened_while_closing_is_closed() -> None:
    pool = Scenario(1, 1)
    pool.gate.clear()
    opening = asyncio.create_task(pool.supply.open_minimum())
    await pass_control()
    await pool.supply.close(0)
    pool.gate.set()
    await opening
    assert (pool.ledger.size, pool.observer.closed) == (0, {"drained": 1})
