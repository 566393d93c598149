"""Connection pooling, against a real PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from services.chassis.postgres import connection_arguments
from services.connection_pooling.pool import ConnectionPool
from services.settings import Settings
from tests.conftest import ClientOf, samples, until

Execute = Callable[..., list[tuple[Any, ...]]]

KILL = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s"
COUNT = "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s"


class Events:
    """Counts what the pool tells."""

    def __init__(self) -> None:
        self.opened = 0
        self.waits: list[float] = []

    def connection_opened(self) -> None:
        self.opened += 1

    def connection_obtained(self, seconds: float) -> None:
        self.waits.append(seconds)


@pytest.fixture
def events() -> Events:
    return Events()


@pytest.fixture
async def pool(settings: Settings, events: Events) -> AsyncIterator[ConnectionPool]:
    arguments = connection_arguments(settings, "pool-test") | {"timeout": 0.2}
    pool = await ConnectionPool.open(2, events, check_after_idle=0, **arguments)
    yield pool
    await pool.close()


async def answer(pool: ConnectionPool) -> int:
    async with pool.connection() as connection, connection.cursor() as cursor:
        await cursor.execute("SELECT 42")
        return int((await cursor.fetchone())[0])


async def test_it_is_filled_at_the_start_and_opens_nothing_later(
    pool: ConnectionPool, events: Events
) -> None:
    assert events.opened == pool.idle == 2
    assert await asyncio.gather(*(answer(pool) for _ in range(20))) == [42] * 20
    assert events.opened == 2
    assert len(events.waits) == 20


async def test_a_lent_connection_counts_as_used(pool: ConnectionPool) -> None:
    async with pool.connection():
        assert pool.idle == pool.used == 1
    assert pool.idle == 2


async def test_who_waits_too_long_is_told_so(pool: ConnectionPool) -> None:
    async with pool.connection(), pool.connection():
        with pytest.raises(TimeoutError):
            await answer(pool)
    assert await answer(pool) == 42


async def test_killed_connections_are_replaced_before_they_are_lent(
    pool: ConnectionPool, events: Events, execute: Execute
) -> None:
    execute(KILL, "pool-test")
    assert await asyncio.gather(*(answer(pool) for _ in range(2))) == [42, 42]
    assert events.opened == 4


async def steps(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_a_caller_that_gives_up_at_any_moment_keeps_no_connection(
    pool: ConnectionPool,
) -> None:
    for moment in range(40):
        asking = asyncio.create_task(answer(pool))
        await steps(moment)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
    assert pool.used == 0
    assert await asyncio.gather(*(answer(pool) for _ in range(4))) == [42] * 4


async def test_closing_leaves_no_connection_behind(
    settings: Settings, events: Events, execute: Execute
) -> None:
    arguments = connection_arguments(settings, "closed-pool")
    pool = await ConnectionPool.open(2, events, **arguments)
    await pool.close()
    await until(lambda: execute(COUNT, "closed-pool") == [(0,)])
    assert pool.used == 0


async def test_naive_opens_one_connection_for_each_request_and_optimized_none(
    client_of: ClientOf,
) -> None:
    client = await client_of("connection-pooling")
    for variant in ("naive", "optimized"):
        for _ in range(3):
            assert (await client.get(f"/connection-pooling/{variant}")).status == 200
    opened = {
        name: value
        for name, value in (await samples(client)).items()
        if name.startswith("db_client_connections_opened_total")
    }
    # The four were opened when the pool was filled, for no request at all.
    name = 'db_client_connections_opened_total{technique="connection-pooling",variant="%s"}'
    assert opened == {name % "naive": 3, name % "optimized": 0, name % "": 4}


async def test_both_variants_authenticate_with_scram(execute: Execute) -> None:
    rules = execute("SELECT DISTINCT auth_method FROM pg_hba_file_rules")
    assert rules == [("scram-sha-256",)]
    (stored,) = execute("SELECT rolpassword FROM pg_authid WHERE rolname = current_user")
    assert stored[0].startswith("SCRAM-SHA-256$")


@pytest.mark.parametrize("variant", ["naive", "optimized"])
async def test_a_statement_takes_as_long_as_it_is_told_to(
    client_of: ClientOf, variant: str
) -> None:
    client = await client_of("connection-pooling")
    at_once, slow = [
        await client.get(f"/connection-pooling/{variant}", params={"id": 3, "milliseconds": each})
        for each in (0, 150)
    ]
    assert await at_once.json() == await slow.json()
    labels = f'technique="connection-pooling",variant="{variant}"'
    counted = await samples(client)
    assert counted[f"db_client_operation_duration_seconds_sum{{{labels}}}"] >= 0.15
