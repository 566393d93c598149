"""Connection pooling's service, against a real PostgreSQL."""

import asyncio

import pytest

from tests.conftest import Client, ClientOf, samples, until
from tests.integration.pooling import COUNT, KILL, RUNNING, Execute

NAME = "connection-pooling"
VARIANTS = ["naive", "optimized", "asyncpg"]


def metric(name: str, **labels: str) -> str:
    pairs = sorted({"technique": NAME, **labels}.items())
    written = ",".join(f'{key}="{value}"' for key, value in pairs)
    return f"{name}{{{written}}}"


async def status(client: Client, variant: str, **parameters: int) -> int:
    response = await client.get(f"/{NAME}/{variant}", params=parameters)
    await response.read()
    return response.status


async def test_naive_opens_one_connection_for_each_request_and_the_others_none(
    client_of: ClientOf,
) -> None:
    client = await client_of(NAME)
    for variant in VARIANTS:
        assert [await status(client, variant) for _ in range(3)] == [200] * 3
    opened = {
        name: value
        for name, value in (await samples(client)).items()
        if name.startswith("db_client_connections_opened_total")
    }
    expected = {"naive": 3, "optimized": 0, "asyncpg": 0}
    # Two in each pool were opened at the start, for no request at all.
    expected[""] = 4
    name = "db_client_connections_opened_total"
    assert opened == {metric(name, variant=each): count for each, count in expected.items()}


@pytest.mark.parametrize("variant", VARIANTS)
async def test_each_variant_counts_its_statements_and_its_waits(
    client_of: ClientOf, variant: str
) -> None:
    client = await client_of(NAME)
    assert [await status(client, variant) for _ in range(3)] == [200] * 3
    counted = await samples(client)
    assert counted[metric("db_client_operations_total", variant=variant, outcome="ok")] == 3
    assert counted[metric("db_client_connection_wait_time_seconds_count", variant=variant)] == 3


async def test_both_variants_authenticate_with_scram(execute: Execute) -> None:
    rules = execute("SELECT DISTINCT auth_method FROM pg_hba_file_rules")
    assert rules == [("scram-sha-256",)]
    (stored,) = execute("SELECT rolpassword FROM pg_authid WHERE rolname = current_user")
    assert stored[0].startswith("SCRAM-SHA-256$")


@pytest.mark.parametrize("variant", VARIANTS)
async def test_a_statement_takes_as_long_as_it_is_told_to(
    client_of: ClientOf, variant: str
) -> None:
    client = await client_of(NAME)
    at_once, slow = [
        await client.get(f"/{NAME}/{variant}", params={"id": 3, "milliseconds": each})
        for each in (0, 150)
    ]
    assert await at_once.json() == await slow.json()
    counted = await samples(client)
    assert counted[metric("db_client_operation_duration_seconds_sum", variant=variant)] >= 0.15


@pytest.mark.parametrize("variant", VARIANTS)
async def test_a_post_that_there_is_not_is_a_404(client_of: ClientOf, variant: str) -> None:
    assert await status(await client_of(NAME), variant, id=10**9) == 404


@pytest.mark.parametrize("variant", VARIANTS)
async def test_a_statement_past_its_deadline_on_the_server_is_a_504(
    client_of: ClientOf, variant: str
) -> None:
    client = await client_of(NAME, statement_timeout=0.05)
    assert await status(client, variant, milliseconds=1000) == 504
    assert await status(client, variant) == 200


@pytest.mark.parametrize("variant", VARIANTS)
async def test_requests_are_answered_after_every_connection_was_killed(
    client_of: ClientOf, execute: Execute, variant: str
) -> None:
    client = await client_of(NAME)
    execute(KILL, NAME)
    assert [await status(client, variant) for _ in range(6)] == [200] * 6


async def test_what_becomes_of_the_pools_connections_is_counted(
    client_of: ClientOf, execute: Execute
) -> None:
    client = await client_of(NAME)
    assert await status(client, "optimized") == 200
    counted = await samples(client)
    assert counted[metric("db_client_connection_count", state="idle")] == 2
    assert counted[metric("db_client_connection_count", state="used")] == 0
    assert counted[metric("db_client_connection_pending_requests")] == 0
    execute(KILL, NAME)
    assert [await status(client, "optimized") for _ in range(3)] == [200] * 3
    closed = "db_client_connections_closed_total"
    assert sum(v for name, v in (await samples(client)).items() if name.startswith(closed)) == 2


async def test_too_many_waiting_is_a_503_that_says_when_to_come_back(client_of: ClientOf) -> None:
    client = await client_of(NAME, pool_min=1, pool_max=1, pool_waiting=1)
    slow = [asyncio.create_task(status(client, "optimized", milliseconds=300)) for _ in range(2)]
    pending = metric("db_client_connection_pending_requests")
    async with asyncio.timeout(5):
        while (await samples(client))[pending] < 1:
            pass
    response = await client.get(f"/{NAME}/optimized")
    problem = await response.json(content_type="application/problem+json")
    assert response.status == problem["status"] == 503
    assert int(response.headers["Retry-After"]) >= 1
    assert "waiting" in problem["detail"]
    assert await asyncio.gather(*slow) == [200, 200]
    refused = metric("db_client_connection_refusals_total", variant="optimized", reason="full")
    assert (await samples(client))[refused] == 1


async def test_waiting_too_long_is_a_504(client_of: ClientOf) -> None:
    client = await client_of(NAME, pool_min=1, pool_max=1, pool_timeout=0.3)
    # The driver gives a statement as long as the pool gives a waiter: a little less, here.
    slow = [asyncio.create_task(status(client, "optimized", milliseconds=250)) for _ in range(3)]
    assert max(await asyncio.gather(*slow)) == 504


@pytest.mark.parametrize("variant", ["optimized", "asyncpg"])
@pytest.mark.parametrize("ending", ["client gone", "deadline passed"])
async def test_a_request_that_is_given_up_leaves_no_statement_running(
    client_of: ClientOf, execute: Execute, variant: str, ending: str
) -> None:
    gone = ending == "client gone"
    client = await client_of(NAME, request_timeout=30 if gone else 0.2)

    def running() -> int:
        execute("SELECT pg_stat_clear_snapshot()")  # a transaction sees what it saw at first
        return int(execute(RUNNING, NAME)[0][0])

    execute("BEGIN")
    execute("LOCK TABLE posts IN ACCESS EXCLUSIVE MODE")
    asking = asyncio.create_task(status(client, variant))
    try:
        await until(lambda: running() == 1)
        if gone:
            asking.cancel()
        else:
            assert await asking == 504
        await until(lambda: running() == 0)
    finally:
        execute("ROLLBACK")
        await asyncio.gather(asking, return_exceptions=True)


async def test_a_stopped_service_leaves_no_connection_behind(
    client_of: ClientOf, execute: Execute
) -> None:
    client = await client_of(NAME)
    assert execute(COUNT, NAME) == [(4,)]
    await client.close()
    await until(lambda: execute(COUNT, NAME) == [(0,)])
