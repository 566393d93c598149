"""The chassis' database pool when connections die or statements take too long."""

import asyncio
from collections.abc import Callable
from random import Random
from typing import Any

from services.chassis.postgres import DATABASE
from services.settings import Settings
from tests.conftest import ClientOf, until

Execute = Callable[..., list[tuple[Any, ...]]]

KILL = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s"


async def test_reads_succeed_after_every_connection_was_killed(
    client_of: ClientOf, execute: Execute
) -> None:
    client = await client_of("pagination")
    execute(KILL, "pagination")
    statuses = [(await client.get("/pagination/naive")).status for _ in range(6)]
    assert statuses == [200] * 6


async def test_a_session_of_several_statements_recovers_within_two_requests(
    client_of: ClientOf, execute: Execute
) -> None:
    client = await client_of("n-plus-one")
    execute(KILL, "n-plus-one")
    statuses = [(await client.get("/n-plus-one/optimized")).status for _ in range(4)]
    assert set(statuses) <= {200, 503}
    assert statuses[-2:] == [200, 200]


async def test_a_statement_after_its_timeout_is_a_504_and_ends_on_the_server(
    client_of: ClientOf, execute: Execute, settings: Settings
) -> None:
    client = await client_of("n-plus-one", statement_timeout=0.05)
    execute("BEGIN")
    execute("LOCK TABLE posts IN ACCESS EXCLUSIVE MODE")
    try:
        response = await client.get("/n-plus-one/optimized")
        assert response.status == 504
    finally:
        execute("ROLLBACK")
    running = "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s AND state = %s"
    await until(lambda: execute(running, "n-plus-one", "active") == [(0,)])
    assert (await client.get("/n-plus-one/optimized")).status == 200


async def test_a_cancelled_statement_never_returns_rows(client_of: ClientOf) -> None:
    client = await client_of("pagination")
    database, random = client.app[DATABASE], Random(1)
    for _ in range(100):
        task = asyncio.create_task(database.fetch("SELECT pg_sleep(0.02)"))
        await asyncio.sleep(random.uniform(0.0, 0.025))
        if task.cancel():
            results = await asyncio.gather(task, return_exceptions=True)
            assert isinstance(results[0], asyncio.CancelledError)
