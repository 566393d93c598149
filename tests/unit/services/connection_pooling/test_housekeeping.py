"""The connections that housekeeping closes, reports and opens."""

import asyncio

import pytest

from services.connection_pooling.connection_supply import ConnectionSupply
from services.connection_pooling.housekeeping import Housekeeper
from services.connection_pooling.ledger import Ledger, PooledConnection, PoolLimits
from tests.clock import Clock
from tests.counting_observer import CountingObserver
from tests.unit.services.connection_pooling.open_connection import OpenConnection


class Scenario:
    """A pool of up to three connections whose housekeeping runs on demand."""

    def __init__(self) -> None:
        limits = PoolLimits(1, 3, maximum_idle_seconds=60, maximum_age_seconds=600, leak_seconds=10)
        self.clock = Clock(1000.0)
        self.observer = CountingObserver()
        self.ledger: Ledger[OpenConnection] = Ledger(limits)
        self.supply = ConnectionSupply(self.connect, self.ledger, self.observer, self.clock)
        self.housekeeper = Housekeeper(self.ledger, self.supply, self.observer, self.clock)

    async def connect(self) -> OpenConnection:
        return OpenConnection()

    def add_free(self, expires_at: float = 9999) -> PooledConnection[OpenConnection]:
        now = self.clock()
        pooled = PooledConnection(OpenConnection(), now, expires_at)
        self.ledger.make_available(pooled, now)
        return pooled

    async def keep_house(self) -> None:
        """Runs housekeeping several times without a pause."""
        running = asyncio.create_task(self.housekeeper.run(0))
        for _ in range(10):
            await asyncio.sleep(0)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running


@pytest.fixture
def pool() -> Scenario:
    return Scenario()


async def test_a_dead_free_connection_is_replaced(pool: Scenario) -> None:
    pool.add_free().connection.closed = 2
    await pool.keep_house()
    assert (pool.observer.closed, pool.observer.opened) == ({"dead": 1}, 1)
    assert pool.ledger.size == 1


async def test_an_expired_free_connection_is_replaced(pool: Scenario) -> None:
    pool.add_free(expires_at=1000)
    await pool.keep_house()
    assert (pool.observer.closed, pool.observer.opened) == ({"aged": 1}, 1)


async def test_surplus_connections_are_closed_down_to_the_minimum(pool: Scenario) -> None:
    for _ in range(3):
        pool.add_free()
    pool.clock.now += 60
    await pool.keep_house()
    assert (pool.observer.closed, pool.ledger.size) == ({"idle": 2}, 1)


async def test_nothing_is_closed_without_a_reason(pool: Scenario) -> None:
    pool.add_free()
    await pool.keep_house()
    assert (pool.observer.closed, pool.observer.opened, pool.observer.leaked) == ({}, 0, 0)


async def test_the_missing_minimum_is_opened(pool: Scenario) -> None:
    await pool.keep_house()
    assert pool.observer.opened == 1


async def test_a_leak_is_logged_and_counted_once(
    pool: Scenario, caplog: pytest.LogCaptureFixture
) -> None:
    pool.add_free()
    pool.ledger.lend_free()
    pool.clock.now += 12
    await pool.keep_house()
    assert pool.observer.leaked == 1
    assert caplog.messages == [
        "possible leak: a connection has been lent for 12.0 s; borrowed at an unknown place"
    ]
