"""The pool against a real PostgreSQL."""

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

import psycopg2
import pytest

from services.connection_pooling.connection_supply import PoolClosed
from services.connection_pooling.ledger import TooManyWaiters
from services.connection_pooling.pool import ConnectionPool, WaitedTooLong
from services.settings import Settings
from tests.clock import Clock
from tests.conftest import until
from tests.counting_observer import CountingObserver
from tests.integration.holding_proxy import HoldingProxy
from tests.integration.pooling import (
    COUNT,
    KILL,
    RUNNING,
    Execute,
    first_value,
    open_pool,
    run,
)


@pytest.fixture
def observer() -> CountingObserver:
    return CountingObserver()


@pytest.fixture
async def pool(settings: Settings, observer: CountingObserver) -> AsyncIterator[ConnectionPool]:
    async with open_pool(settings, observer) as pool:
        yield pool


async def pass_control(times: int) -> None:
    """Lets the event loop run other tasks this many times."""
    for _ in range(times):
        await asyncio.sleep(0)


async def borrow_both_without_a_check(pool: ConnectionPool, execute: Execute, name: str) -> None:
    """Fails if the pool checks one of its two connections."""
    await until(lambda: execute(COUNT, name) == [(2,)])
    queries = "SELECT query FROM pg_stat_activity WHERE application_name = %s"
    async with pool.connection(), pool.connection():
        assert ("SELECT 1",) not in execute(queries, name)


# ── Lending ─────────────────────────────────────────────────────────────────────────────────────


async def test_a_pool_opens_its_minimum_at_start_and_nothing_later(
    pool: ConnectionPool, observer: CountingObserver
) -> None:
    assert observer.opened == pool.idle == 2
    assert await asyncio.gather(*(run(pool) for _ in range(20))) == [42] * 20
    assert observer.opened == 2
    assert len(observer.waits) == 20


async def test_a_lent_connection_counts_as_used(pool: ConnectionPool) -> None:
    async with pool.connection():
        assert pool.idle == pool.used == 1
    assert pool.idle == 2


async def test_borrowing_a_free_connection_never_yields_to_the_event_loop(
    pool: ConnectionPool,
) -> None:
    async def borrow() -> None:
        async with pool.connection():
            pass

    tasks = len(asyncio.all_tasks())
    with pytest.raises(StopIteration):  # the first step finishes the coroutine
        borrow().send(None)
    assert len(asyncio.all_tasks()) == tasks


async def test_the_observer_gets_the_seconds_that_a_caller_waited(
    settings: Settings, observer: CountingObserver
) -> None:
    clock = Clock(1000.0)
    async with open_pool(settings, observer, clock=clock, minimum=1, maximum=1) as pool:
        async with pool.connection():
            waiting = asyncio.create_task(run(pool))
            await until(lambda: pool.waiting == 1)
            clock.now += 3
        await waiting
    assert observer.waits == [0, 3]


async def test_waiters_are_served_in_order_of_arrival(pool: ConnectionPool) -> None:
    served: list[int] = []

    async def wait(number: int) -> None:
        async with pool.connection():
            served.append(number)
            await asyncio.sleep(0)

    await asyncio.gather(*(wait(number) for number in range(50)))
    assert served == list(range(50))


async def test_a_waiter_times_out(settings: Settings, observer: CountingObserver) -> None:
    async with open_pool(settings, observer, timeout_seconds=0.05) as pool:
        async with pool.connection(), pool.connection():
            with pytest.raises(WaitedTooLong):
                await run(pool)
            assert pool.waiting == 0
        assert observer.refused == {"timeout": 1}
        assert await run(pool) == 42


async def test_a_waiter_beyond_the_maximum_is_refused_at_once(
    settings: Settings, observer: CountingObserver
) -> None:
    async with open_pool(settings, observer, maximum_waiters=3) as pool:
        async with pool.connection(), pool.connection():
            waiters = [asyncio.create_task(run(pool)) for _ in range(3)]
            await until(lambda: pool.waiting == 3)
            with pytest.raises(TooManyWaiters):
                await run(pool)
        assert await asyncio.gather(*waiters) == [42] * 3
        assert observer.refused == {"full": 1}


async def test_a_waiter_cancelled_just_after_it_was_served_passes_its_connection_on(
    settings: Settings, observer: CountingObserver
) -> None:
    async with open_pool(settings, observer, minimum=1, maximum=1) as pool:
        async with pool.connection():
            first = asyncio.create_task(run(pool))
            second = asyncio.create_task(run(pool))
            await until(lambda: pool.waiting == 2)
        # The first waiter holds the connection, but its task has not run yet.
        assert (pool.waiting, pool.used, pool.idle) == (1, 1, 0)
        first.cancel()
        assert await second == 42
        assert first.cancelled()
        assert (pool.used, pool.idle, observer.opened) == (0, 1, 1)


async def test_a_caller_cancelled_at_any_step_keeps_no_connection(
    settings: Settings, observer: CountingObserver
) -> None:
    async with open_pool(settings, observer, check_idle_seconds=1e-9) as pool:
        for step in range(40):
            caller = asyncio.create_task(run(pool))
            await pass_control(step)
            caller.cancel()
            await asyncio.gather(caller, return_exceptions=True)
        assert pool.used == 0
        assert await asyncio.gather(*(run(pool) for _ in range(4))) == [42] * 4


# ── Growing and shrinking ───────────────────────────────────────────────────────────────────────


async def test_a_waiter_takes_a_returned_connection_while_another_is_being_opened(
    settings: Settings, observer: CountingObserver
) -> None:
    async with (
        HoldingProxy(settings).running() as proxy,
        open_pool(settings, observer, port=proxy.port, minimum=1, maximum=8) as pool,
    ):
        proxy.hold_new()
        async with pool.connection():
            waiting = asyncio.create_task(run(pool))
            await until(lambda: proxy.held == 1)
        assert await waiting == 42
        assert observer.opened == 1  # the proxy still holds the second connection
        proxy.resume()
        await until(lambda: pool.idle == 2)


async def test_a_waiter_takes_a_new_connection_while_none_is_returned(
    settings: Settings, observer: CountingObserver
) -> None:
    async with (
        open_pool(settings, observer, minimum=1, maximum=3) as pool,
        pool.connection(),
        pool.connection(),
        pool.connection(),
    ):
        assert (observer.opened, pool.used) == (3, 3)


async def test_an_idle_pool_shrinks_to_its_minimum(
    settings: Settings, observer: CountingObserver, execute: Execute
) -> None:
    clock = Clock(1000.0)
    limits: dict[str, Any] = {
        "minimum": 1,
        "maximum": 3,
        "maximum_idle_seconds": 60.0,
        "maximum_age_seconds": 1e9,
    }
    async with open_pool(settings, observer, "shrinking", clock, **limits) as pool:
        async with pool.connection(), pool.connection(), pool.connection():
            pass
        assert pool.idle == 3
        clock.now += 61
        await until(lambda: pool.idle == 1)
        await until(lambda: execute(COUNT, "shrinking") == [(1,)])
        assert observer.closed == {"idle": 2}


async def test_an_expired_connection_is_replaced_when_returned(
    settings: Settings, observer: CountingObserver
) -> None:
    clock = Clock(1000.0)
    limits: dict[str, Any] = {"minimum": 1, "maximum": 1, "maximum_age_seconds": 100}
    async with open_pool(settings, observer, clock=clock, **limits) as pool:
        before = await run(pool, "SELECT pg_backend_pid()")
        clock.now += 79  # jitter shortens the age by a fifth at most
        assert await run(pool, "SELECT pg_backend_pid()") == before
        async with pool.connection():
            clock.now += 22
        assert observer.closed == {"aged": 1}
        assert await run(pool, "SELECT pg_backend_pid()") != before


async def test_housekeeping_replaces_expired_free_connections(
    settings: Settings, observer: CountingObserver
) -> None:
    clock = Clock(1000.0)
    async with open_pool(settings, observer, clock=clock, maximum_age_seconds=100) as pool:
        clock.now += 101
        await until(lambda: observer.opened == 4)
        await until(lambda: pool.idle == 2)
        assert observer.closed == {"aged": 2}


# ── Connections that die ────────────────────────────────────────────────────────────────────────


async def test_a_connection_idle_for_long_is_checked_before_it_is_lent(
    settings: Settings, observer: CountingObserver, execute: Execute
) -> None:
    limits: dict[str, Any] = {"minimum": 1, "check_idle_seconds": 1e-9}
    async with open_pool(settings, observer, "idle-check", **limits) as pool:
        last = "SELECT query FROM pg_stat_activity WHERE application_name = 'idle-check'"
        async with pool.connection():
            assert execute(last) == [("SELECT 1",)]


async def test_a_recently_used_connection_is_lent_without_a_check(
    settings: Settings, observer: CountingObserver, execute: Execute
) -> None:
    async with open_pool(settings, observer, "no-check", minimum=1) as pool:
        assert await run(pool) == 42
        last = "SELECT query FROM pg_stat_activity WHERE application_name = 'no-check'"
        async with pool.connection():
            assert execute(last) == [("SELECT 42",)]


async def test_a_connection_that_fails_its_check_is_closed_and_replaced(
    settings: Settings, observer: CountingObserver
) -> None:
    async with HoldingProxy(settings).running() as proxy:
        limits: dict[str, Any] = {
            "minimum": 1,
            "maximum": 1,
            "check_idle_seconds": 1e-9,
            "timeout_seconds": 0.1,
        }
        async with open_pool(settings, observer, port=proxy.port, **limits) as pool:
            proxy.freeze()
            with pytest.raises(WaitedTooLong):
                await run(pool)
            assert observer.closed == {"dead": 1}
            proxy.resume()
            await until(lambda: pool.idle == 1)
            assert await run(pool) == 42


async def test_work_is_repeated_once_when_its_connection_dies(
    pool: ConnectionPool, observer: CountingObserver, execute: Execute
) -> None:
    attempts: list[int] = []

    async def work(connection: Any) -> Any:
        attempts.append(await first_value(connection, "SELECT pg_backend_pid()"))
        if len(attempts) == 1:
            execute("SELECT pg_terminate_backend(%s)", attempts[0])
        return await first_value(connection, "SELECT 42")

    assert await pool.run(work) == 42
    first, second = attempts
    assert first != second
    assert observer.closed == {"failed": 1}


async def test_work_fails_when_its_connections_die_twice(
    pool: ConnectionPool, observer: CountingObserver
) -> None:
    with pytest.raises(psycopg2.OperationalError):
        await pool.run(lambda it: first_value(it, "SELECT pg_terminate_backend(pg_backend_pid())"))
    assert observer.closed == {"failed": 2}
    await until(lambda: pool.idle == 2)


async def test_after_a_connection_died_in_use_the_others_are_checked(
    settings: Settings, observer: CountingObserver, execute: Execute
) -> None:
    async with open_pool(settings, observer, "after-death") as pool:
        with pytest.raises(psycopg2.OperationalError):
            await run(pool, "SELECT pg_terminate_backend(pg_backend_pid())")
        queries = "SELECT query FROM pg_stat_activity WHERE application_name = 'after-death'"
        async with pool.connection(), pool.connection():
            assert ("SELECT 1",) in execute(queries)


async def test_a_wrong_statement_keeps_its_connection_and_is_not_repeated(
    pool: ConnectionPool, observer: CountingObserver
) -> None:
    with pytest.raises(psycopg2.ProgrammingError):
        await pool.run(lambda connection: first_value(connection, "SELECT nonsense"))
    assert len(observer.waits) == 1
    assert (pool.idle, observer.closed) == (2, {})


async def test_a_failed_transaction_is_not_repeated(
    pool: ConnectionPool, observer: CountingObserver
) -> None:
    async def work(connection: Any) -> None:
        async with connection.cursor() as cursor:
            await cursor.execute("BEGIN")
            await cursor.execute("DO 'BEGIN RAISE SQLSTATE ''40001''; END'")

    # SerializationFailure is an OperationalError too. Only the caller knows what to repeat.
    with pytest.raises(psycopg2.errors.SerializationFailure):
        await pool.run(work)
    assert (len(observer.waits), observer.closed) == (1, {"failed": 1})


async def test_connections_killed_while_idle_are_replaced_before_they_are_lent(
    settings: Settings, observer: CountingObserver, execute: Execute
) -> None:
    async with open_pool(settings, observer, "killed-idle", check_idle_seconds=1e-9) as pool:
        execute(KILL, "killed-idle")
        assert await asyncio.gather(*(run(pool) for _ in range(4))) == [42] * 4
        assert observer.closed == {"dead": 2}


async def test_a_free_connection_that_is_closed_is_replaced_before_it_is_lent(
    settings: Settings, observer: CountingObserver
) -> None:
    limits: dict[str, Any] = {"minimum": 1, "maximum": 1, "housekeeping_seconds": 3600}
    async with open_pool(settings, observer, **limits) as pool:
        async with pool.connection() as connection:
            pass
        connection.close()
        assert await run(pool) == 42
        assert observer.closed == {"dead": 1}


async def test_a_connection_with_an_open_transaction_is_closed(
    settings: Settings,
    observer: CountingObserver,
    execute: Execute,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with open_pool(settings, observer, "in-transaction") as pool:
        async with pool.connection() as connection, connection.cursor() as cursor:
            await cursor.execute("BEGIN")
        assert observer.closed == {"failed": 1}
        assert "within a transaction" in caplog.text
        await until(lambda: pool.idle == 2)
        await borrow_both_without_a_check(pool, execute, "in-transaction")


async def test_waiters_fail_at_once_when_the_server_is_unreachable(
    settings: Settings, observer: CountingObserver, execute: Execute
) -> None:
    proxy = HoldingProxy(settings)
    async with (
        proxy.running(),
        open_pool(settings, observer, "gone", port=proxy.port, timeout_seconds=3600) as pool,
    ):
        proxy.close_new()
        execute(KILL, "gone")
        await until(lambda: observer.closed["dead"] == 2)
        async with asyncio.timeout(20):
            outcomes = await asyncio.gather(*(run(pool) for _ in range(5)), return_exceptions=True)
        assert {type(each) for each in outcomes} == {psycopg2.OperationalError}
        assert observer.refused == {}
        proxy.resume()
        await until(lambda: pool.idle == 2)
        assert await run(pool) == 42


@pytest.mark.parametrize("minimum", [1, 3])
async def test_a_pool_cannot_be_opened_while_the_server_is_unreachable(
    settings: Settings, observer: CountingObserver, minimum: int
) -> None:
    with pytest.raises(psycopg2.OperationalError):
        async with open_pool(settings, observer, port=1, minimum=minimum, maximum=3):
            pass


async def test_a_pool_that_cannot_open_its_minimum_keeps_no_connection(
    settings: Settings, observer: CountingObserver, execute: Execute
) -> None:
    async with HoldingProxy(settings, accepted=1).running() as proxy:
        with pytest.raises(psycopg2.OperationalError):
            async with open_pool(settings, observer, "half-open", port=proxy.port):
                pass
    assert observer.closed == {"drained": 1}
    await until(lambda: execute(COUNT, "half-open") == [(0,)])


# ── Cancelled statements ────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("ending", ["cancelled", "timed-out"])
async def test_a_cancelled_statement_stops_on_the_server(
    settings: Settings, observer: CountingObserver, execute: Execute, ending: str
) -> None:
    name = f"statement-{ending}"
    async with open_pool(settings, observer, name) as pool:
        sleeping = asyncio.create_task(run(pool, "SELECT pg_sleep(9)"))
        await until(lambda: execute(RUNNING, name) == [(1,)])
        if ending == "cancelled":
            sleeping.cancel()
            await asyncio.gather(sleeping, return_exceptions=True)
        else:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(sleeping, 0.01)
        await until(lambda: execute(RUNNING, name) == [(0,)], seconds=5)
        assert observer.closed == {"cancelled": 1}
        await until(lambda: pool.idle == 2)  # the connection was replaced
        await borrow_both_without_a_check(pool, execute, name)


# ── Leaks and closing ───────────────────────────────────────────────────────────────────────────


async def test_a_leak_is_logged_once_with_its_borrower(
    settings: Settings, observer: CountingObserver, caplog: pytest.LogCaptureFixture
) -> None:
    clock = Clock(1000.0)
    async with open_pool(settings, observer, clock=clock, leak_seconds=10) as pool:
        async with pool.connection():
            clock.now += 11
            await until(lambda: observer.leaked == 1)
            async with pool.connection():
                clock.now += 11
                await until(lambda: observer.leaked > 1)
        assert observer.leaked == 2  # one per connection: the first is not reported again
        async with pool.connection():
            clock.now += 11
            await until(lambda: observer.leaked == 3)  # reported once per loan
    messages = [each.message for each in caplog.records if each.levelno == logging.WARNING]
    assert len(messages) == 3
    assert all("lent for 11.0 s" in each for each in messages)
    assert all(f"{__file__}:" in each and "its_borrower" in each for each in messages)


@pytest.mark.parametrize("attempts", [1, 2])
async def test_a_leak_of_work_names_the_caller_of_run(
    settings: Settings,
    observer: CountingObserver,
    caplog: pytest.LogCaptureFixture,
    attempts: int,
) -> None:
    clock = Clock(1000.0)
    remaining = attempts

    async def work(connection: Any) -> None:
        nonlocal remaining
        remaining -= 1
        if remaining:
            await first_value(connection, "SELECT pg_terminate_backend(pg_backend_pid())")
        clock.now += 11
        await until(lambda: observer.leaked == 1)

    async with open_pool(settings, observer, clock=clock, leak_seconds=10) as pool:
        await pool.run(work)
    (leak,) = [message for message in caplog.messages if "possible leak" in message]
    assert leak.endswith("in test_a_leak_of_work_names_the_caller_of_run")


async def test_closing_waits_until_lent_connections_are_returned(
    settings: Settings, observer: CountingObserver, execute: Execute
) -> None:
    async with open_pool(settings, observer, "drained") as pool:
        working = asyncio.create_task(run(pool, "SELECT 42 FROM pg_sleep(0.2)"))
        await until(lambda: execute(RUNNING, "drained") == [(1,)])
        await pool.close(20)
        assert await working == 42
        assert observer.closed == {"drained": 2}
        with pytest.raises(PoolClosed):
            await run(pool)
    await until(lambda: execute(COUNT, "drained") == [(0,)])


async def test_closing_ends_lent_connections_after_its_timeout(
    settings: Settings,
    observer: CountingObserver,
    execute: Execute,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with open_pool(settings, observer, "cut-off") as pool:
        working = asyncio.create_task(run(pool, "SELECT pg_sleep(9)"))
        await until(lambda: execute(RUNNING, "cut-off") == [(1,)])
        await pool.close(0.05)
        with pytest.raises(psycopg2.Error):
            await working
        assert observer.closed == {"drained": 2}
        assert "in run" in caplog.text  # the function that borrowed the connection
    await until(lambda: execute(COUNT, "cut-off") == [(0,)])


async def test_closing_fails_the_waiters(settings: Settings, observer: CountingObserver) -> None:
    async with open_pool(settings, observer, minimum=1, maximum=1) as pool:
        async with pool.connection():
            waiting = asyncio.create_task(run(pool))
            await until(lambda: pool.waiting == 1)
            closing = asyncio.create_task(pool.close(20))
            with pytest.raises(PoolClosed):
                await waiting
        await closing


async def test_closing_ends_a_connection_that_is_being_opened(
    settings: Settings, observer: CountingObserver, execute: Execute
) -> None:
    async with HoldingProxy(settings).running() as proxy:
        limits: dict[str, Any] = {"minimum": 1, "maximum": 2}
        async with open_pool(settings, observer, "late", port=proxy.port, **limits) as pool:
            proxy.hold_new()
            async with pool.connection():
                waiting = asyncio.create_task(run(pool))
                await until(lambda: proxy.held == 1)
            assert await waiting == 42
        proxy.resume()
        await until(lambda: execute(COUNT, "late") == [(0,)])
