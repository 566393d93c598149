"""The connection pooling service against a real PostgreSQL."""

import asyncio

import pytest

from services.settings import Settings
from tests.conftest import Client, ClientOf, samples, until
from tests.integration.holding_proxy import HoldingProxy
from tests.integration.pooling import COUNT, KILL, RUNNING, Execute

NAME = "connection-pooling"
VARIANTS = ["naive", "optimized", "asyncpg"]


def metric(name: str, **labels: str) -> str:
    """The metric as the exposition writes it."""
    pairs = sorted({"technique": NAME, **labels}.items())
    label_text = ",".join(f'{key}="{value}"' for key, value in pairs)
    return f"{name}{{{label_text}}}"


async def status(client: Client, variant: str, **parameters: int) -> int:
    response = await client.get(f"/{NAME}/{variant}", params=parameters)
    await response.read()
    return response.status


async def test_only_naive_opens_a_connection_for_each_request(client_of: ClientOf) -> None:
    client = await client_of(NAME)
    for variant in VARIANTS:
        assert [await status(client, variant) for _ in range(3)] == [200] * 3
    opened = {
        name: value
        for name, value in (await samples(client)).items()
        if name.startswith("db_client_connections_opened_total")
    }
    expected = {"naive": 3, "optimized": 0, "asyncpg": 0}
    # Each pool opened two connections at the start, for no variant.
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


async def test_the_server_requires_scram(execute: Execute) -> None:
    rules = execute("SELECT DISTINCT auth_method FROM pg_hba_file_rules")
    assert rules == [("scram-sha-256",)]
    (stored,) = execute("SELECT rolpassword FROM pg_authid WHERE rolname = current_user")
    assert stored[0].startswith("SCRAM-SHA-256$")


@pytest.mark.parametrize("variant", VARIANTS)
async def test_the_statement_takes_the_requested_milliseconds(
    client_of: ClientOf, variant: str
) -> None:
    client = await client_of(NAME)
    fast, slow = [
        await client.get(f"/{NAME}/{variant}", params={"id": 3, "milliseconds": each})
        for each in (0, 150)
    ]
    assert await fast.json() == await slow.json()
    counted = await samples(client)
    assert counted[metric("db_client_operation_duration_seconds_sum", variant=variant)] >= 0.15


@pytest.mark.parametrize("variant", VARIANTS)
async def test_a_missing_post_is_a_404(client_of: ClientOf, variant: str) -> None:
    assert await status(await client_of(NAME), variant, id=10**9) == 404


@pytest.mark.parametrize("variant", VARIANTS)
async def test_a_statement_past_the_statement_timeout_is_a_504(
    client_of: ClientOf, variant: str
) -> None:
    client = await client_of(NAME, statement_timeout=0.05)
    assert await status(client, variant, milliseconds=1000) == 504
    assert await status(client, variant) == 200


@pytest.mark.parametrize("variant", VARIANTS)
async def test_requests_succeed_after_every_connection_was_killed(
    client_of: ClientOf, execute: Execute, variant: str
) -> None:
    client = await client_of(NAME)
    execute(KILL, NAME)
    if variant == "asyncpg":
        # asyncpg's pool makes no second attempt. Requests fail until it detects the closed
        # connections.
        async with asyncio.timeout(20):
            while await status(client, variant) == 503:
                pass
    assert [await status(client, variant) for _ in range(6)] == [200] * 6


async def test_metrics_show_the_states_and_ends_of_pooled_connections(
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


# ── Overload ────────────────────────────────────────────────────────────────────────────────────


async def test_too_many_waiters_is_a_503_with_retry_after(
    client_of: ClientOf, execute: Execute
) -> None:
    client = await client_of(NAME, pool_min=1, pool_max=1, pool_waiting=1)
    execute("BEGIN")
    execute("LOCK TABLE posts IN ACCESS EXCLUSIVE MODE")
    slow = [asyncio.create_task(status(client, "optimized")) for _ in range(2)]
    pending = metric("db_client_connection_pending_requests")
    async with asyncio.timeout(5):
        while (await samples(client))[pending] < 1:
            pass
    response = await client.get(f"/{NAME}/optimized")
    problem = await response.json(content_type="application/problem+json")
    execute("ROLLBACK")
    assert response.status == problem["status"] == 503
    assert int(response.headers["Retry-After"]) >= 1
    assert "already wait for a connection" in problem["detail"]
    assert await asyncio.gather(*slow) == [200, 200]
    refused = metric("db_client_connection_refusals_total", variant="optimized", reason="full")
    assert (await samples(client))[refused] == 1


async def test_waiting_past_the_pool_timeout_is_a_504(client_of: ClientOf) -> None:
    client = await client_of(NAME, pool_min=1, pool_max=1, pool_timeout=0.3)
    # The driver's timeout for a statement is the pool timeout too, so the statement is shorter.
    slow = [asyncio.create_task(status(client, "optimized", milliseconds=250)) for _ in range(3)]
    assert max(await asyncio.gather(*slow)) == 504
    refused = metric("db_client_connection_refusals_total", variant="optimized", reason="timeout")
    assert (await samples(client))[refused] >= 1


# ── PostgreSQL is down ──────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("variant", VARIANTS)
async def test_refused_connections_are_a_503_with_retry_after(
    client_of: ClientOf, settings: Settings, variant: str
) -> None:
    async with HoldingProxy(settings).running() as proxy:
        client = await client_of(NAME, database_port=proxy.port)
        assert await status(client, variant) == 200
        proxy.close_all()
        response = await client.get(f"/{NAME}/{variant}")
        problem = await response.json(content_type="application/problem+json")
        assert (response.status, problem["dependency"]) == (503, "postgres")
        assert response.headers["Retry-After"] == "1"
        assert (await client.get("/readyz")).status == 503
        assert (await client.get("/healthz")).status == 200
        assert requests_counted(await samples(client), variant, 503) == 1
        proxy.resume()
        await until_answered(client, variant)


async def test_refused_connections_empty_the_pool(client_of: ClientOf, settings: Settings) -> None:
    async with HoldingProxy(settings).running() as proxy:
        client = await client_of(NAME, database_port=proxy.port)
        proxy.close_all()
        assert await status(client, "optimized") == 503
        counted = await samples(client)
        for state in ("idle", "used"):
            assert counted[metric("db_client_connection_count", state=state)] == 0
        closed = "db_client_connections_closed_total"
        ends = {name: value for name, value in counted.items() if name.startswith(closed)}
        assert sum(ends.values()) == 2
        assert all('reason="dead"' in name or 'reason="failed"' in name for name in ends)


@pytest.mark.parametrize("variant", VARIANTS)
async def test_a_silent_server_is_a_504_without_retry_after(
    client_of: ClientOf, settings: Settings, variant: str
) -> None:
    # Only the request's deadline ends a statement of asyncpg. Its pool then waits for pool_timeout
    # until the server confirms the cancellation.
    changes = {"request_timeout": 0.5} if variant == "asyncpg" else {}
    async with HoldingProxy(settings).running() as proxy:
        client = await client_of(NAME, database_port=proxy.port, pool_timeout=0.5, **changes)
        assert await status(client, variant) == 200
        proxy.freeze()
        # One request per pooled connection. A third could meet a failed reconnection: 503.
        requests = (client.get(f"/{NAME}/{variant}") for _ in range(2))
        responses = await asyncio.gather(*requests)
        assert [response.status for response in responses] == [504] * 2
        assert not any("Retry-After" in response.headers for response in responses)
        counted = await samples(client)
        proxy.resume()
        await until_answered(client, variant)
    assert requests_counted(counted, variant, 504) == 2
    failed = metric("db_client_operations_total", variant=variant, outcome="error")
    # naive fails while it connects, before it sends a statement.
    assert counted[failed] == (0 if variant == "naive" else 2)
    if variant == "optimized":
        closed = "db_client_connections_closed_total"
        assert counted[metric(closed, variant=variant, reason="cancelled")] == 2


def requests_counted(counted: dict[str, float], variant: str, code: int) -> float:
    labels = {"http_request_method": "GET", "http_response_status_code": str(code)}
    return counted[metric("http_server_request_duration_seconds_count", variant=variant, **labels)]


async def until_answered(client: Client, variant: str) -> None:
    async with asyncio.timeout(20):
        while await status(client, variant) != 200:
            pass


# ── Abandoned requests and shutdown ─────────────────────────────────────────────────────────────


@pytest.mark.parametrize("variant", ["optimized", "asyncpg"])
@pytest.mark.parametrize("ending", ["client disconnected", "deadline passed"])
async def test_an_abandoned_request_leaves_no_statement_running(
    client_of: ClientOf, execute: Execute, variant: str, ending: str
) -> None:
    disconnects = ending == "client disconnected"
    client = await client_of(NAME, request_timeout=30 if disconnects else 0.2)

    def running() -> int:
        execute("SELECT pg_stat_clear_snapshot()")  # else a transaction repeats its first reading
        return int(execute(RUNNING, NAME)[0][0])

    execute("BEGIN")
    execute("LOCK TABLE posts IN ACCESS EXCLUSIVE MODE")
    request = asyncio.create_task(status(client, variant))
    try:
        await until(lambda: running() == 1)
        if disconnects:
            request.cancel()
        else:
            assert await request == 504
        await until(lambda: running() == 0)
    finally:
        execute("ROLLBACK")
        await asyncio.gather(request, return_exceptions=True)


async def test_a_stopped_service_leaves_no_connection_open(
    client_of: ClientOf, execute: Execute
) -> None:
    client = await client_of(NAME)
    assert execute(COUNT, NAME) == [(4,)]
    await client.close()
    await until(lambda: execute(COUNT, NAME) == [(0,)])
