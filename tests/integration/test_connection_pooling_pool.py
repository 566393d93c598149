"""The pool's core, against a real PostgreSQL."""

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

import psycopg2
import pytest

from services.connection_pooling.ledger import TooManyWaiting
from services.connection_pooling.pool import ConnectionPool, PoolClosed, WaitedTooLong
from services.settings import Settings
from tests.clock import Clock
from tests.conftest import until
from tests.integration.pooling import (
    COUNT,
    KILL,
    RUNNING,
    Events,
    Execute,
    Proxy,
    answer,
    opened,
    value,
)


@pytest.fixture
def events() -> Events:
    return Events()


@pytest.fixture
async def pool(settings: Settings, events: Events) -> AsyncIterator[ConnectionPool]:
    async with opened(settings, events) as pool:
        yield pool


async def steps(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


# ── Lending ─────────────────────────────────────────────────────────────────────────────────────


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


async def test_a_free_connection_is_lent_without_a_step_of_the_event_loop(
    pool: ConnectionPool,
) -> None:
    async def borrow() -> None:
        async with pool.connection():
            pass

    tasks = len(asyncio.all_tasks())
    with pytest.raises(StopIteration):  # finished when it was begun: it waited for nothing
        borrow().send(None)
    assert len(asyncio.all_tasks()) == tasks


async def test_waiters_are_served_in_the_order_in_which_they_came(pool: ConnectionPool) -> None:
    served: list[int] = []

    async def wait(number: int) -> None:
        async with pool.connection():
            served.append(number)
            await asyncio.sleep(0)

    await asyncio.gather(*(wait(number) for number in range(50)))
    assert served == list(range(50))


async def test_who_waits_too_long_is_told_so(settings: Settings, events: Events) -> None:
    async with opened(settings, events, timeout=0.05) as pool:
        async with pool.connection(), pool.connection():
            with pytest.raises(WaitedTooLong):
                await answer(pool)
            assert pool.waiting == 0
        assert events.refused == {"timeout": 1}
        assert await answer(pool) == 42


async def test_one_too_many_is_refused_at_once(settings: Settings, events: Events) -> None:
    async with opened(settings, events, waiting=3) as pool:
        async with pool.connection(), pool.connection():
            waiters = [asyncio.create_task(answer(pool)) for _ in range(3)]
            await until(lambda: pool.waiting == 3)
            with pytest.raises(TooManyWaiting):
                await answer(pool)
        assert await asyncio.gather(*waiters) == [42] * 3
        assert events.refused == {"full": 1}


async def test_a_waiter_cancelled_in_the_moment_it_is_served_passes_the_connection_on(
    settings: Settings, events: Events
) -> None:
    async with opened(settings, events, minimum=1, maximum=1) as pool:
        async with pool.connection():
            first = asyncio.create_task(answer(pool))
            second = asyncio.create_task(answer(pool))
            await until(lambda: pool.waiting == 2)
        # The connection is the first one's by now, who has not woken up yet.
        assert (pool.waiting, pool.used, pool.idle) == (1, 1, 0)
        first.cancel()
        assert await second == 42
        assert first.cancelled()
        assert (pool.used, pool.idle, events.opened) == (0, 1, 1)


async def test_a_caller_that_gives_up_at_any_moment_keeps_no_connection(
    settings: Settings, events: Events
) -> None:
    async with opened(settings, events, check_idle=1e-9) as pool:
        for moment in range(40):
            asking = asyncio.create_task(answer(pool))
            await steps(moment)
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
        assert pool.used == 0
        assert await asyncio.gather(*(answer(pool) for _ in range(4))) == [42] * 4


# ── Growing and shrinking ───────────────────────────────────────────────────────────────────────


async def test_a_waiter_takes_what_is_given_back_and_does_not_wait_for_what_is_being_opened(
    settings: Settings, events: Events
) -> None:
    async with (
        Proxy(settings).running() as proxy,
        opened(settings, events, port=proxy.port, minimum=1, maximum=8) as pool,
    ):
        proxy.stop()
        async with pool.connection():
            waiting = asyncio.create_task(answer(pool))
            await until(lambda: proxy.kept_waiting == 1)
        assert await waiting == 42
        assert events.opened == 1  # the second is still at the door
        proxy.go_on()
        await until(lambda: pool.idle == 2)


async def test_a_waiter_takes_what_is_opened_while_nothing_is_given_back(
    settings: Settings, events: Events
) -> None:
    async with (
        opened(settings, events, minimum=1, maximum=3) as pool,
        pool.connection(),
        pool.connection(),
        pool.connection(),
    ):
        assert (events.opened, pool.used) == (3, 3)


async def test_it_shrinks_to_its_minimum_when_nobody_needs_more(
    settings: Settings, events: Events, execute: Execute
) -> None:
    clock = Clock(1000.0)
    limits: dict[str, Any] = {"minimum": 1, "maximum": 3, "maximum_idle": 60.0, "maximum_age": 1e9}
    async with opened(settings, events, "shrinking", clock, **limits) as pool:
        async with pool.connection(), pool.connection(), pool.connection():
            pass
        assert pool.idle == 3
        clock.now += 61
        await until(lambda: pool.idle == 1)
        await until(lambda: execute(COUNT, "shrinking") == [(1,)])
        assert events.closed == {"idle": 2}


async def test_a_connection_past_its_age_is_replaced(settings: Settings, events: Events) -> None:
    clock = Clock(1000.0)
    async with opened(settings, events, clock=clock, minimum=1, maximum=1, maximum_age=100) as pool:
        before = await answer(pool, "SELECT pg_backend_pid()")
        clock.now += 79  # the jitter takes off a fifth at most
        assert await answer(pool, "SELECT pg_backend_pid()") == before
        async with pool.connection():
            clock.now += 22
        assert events.closed == {"aged": 1}
        assert await answer(pool, "SELECT pg_backend_pid()") != before


async def test_a_free_connection_past_its_age_goes_without_being_asked_for(
    settings: Settings, events: Events
) -> None:
    clock = Clock(1000.0)
    async with opened(settings, events, clock=clock, maximum_age=100) as pool:
        clock.now += 101
        await until(lambda: events.opened == 4)
        await until(lambda: pool.idle == 2)
        assert events.closed == {"aged": 2}


# ── Connections that die ────────────────────────────────────────────────────────────────────────


async def test_a_connection_that_was_idle_for_long_is_asked_before_it_is_lent(
    settings: Settings, events: Events, execute: Execute
) -> None:
    async with opened(settings, events, "idle-check", check_idle=1e-9, minimum=1) as pool:
        last = "SELECT query FROM pg_stat_activity WHERE application_name = 'idle-check'"
        async with pool.connection():
            assert execute(last) == [("SELECT 1",)]


async def test_a_connection_in_use_a_moment_ago_is_lent_unasked(
    settings: Settings, events: Events, execute: Execute
) -> None:
    async with opened(settings, events, "no-check", minimum=1) as pool:
        assert await answer(pool) == 42
        last = "SELECT query FROM pg_stat_activity WHERE application_name = 'no-check'"
        async with pool.connection():
            assert execute(last) == [("SELECT 42",)]


async def test_a_connection_that_does_not_answer_the_check_is_dead(
    settings: Settings, events: Events
) -> None:
    async with Proxy(settings).running() as proxy:
        limits: dict[str, Any] = {"minimum": 1, "maximum": 1, "check_idle": 1e-9, "timeout": 0.1}
        async with opened(settings, events, port=proxy.port, **limits) as pool:
            proxy.freeze()
            with pytest.raises(WaitedTooLong):
                await answer(pool)
            assert events.closed == {"dead": 1}
            proxy.go_on()
            await until(lambda: pool.idle == 1)
            assert await answer(pool) == 42


async def test_work_is_done_once_more_when_its_connection_dies(
    pool: ConnectionPool, events: Events, execute: Execute
) -> None:
    attempts: list[int] = []

    async def work(connection: Any) -> Any:
        attempts.append(await value(connection, "SELECT pg_backend_pid()"))
        if len(attempts) == 1:
            execute("SELECT pg_terminate_backend(%s)", attempts[0])
        return await value(connection, "SELECT 42")

    assert await pool.run(work) == 42
    first, second = attempts
    assert first != second
    assert events.closed == {"failed": 1}


async def test_work_whose_connections_die_twice_has_failed(
    pool: ConnectionPool, events: Events
) -> None:
    with pytest.raises(psycopg2.OperationalError):
        await pool.run(lambda it: value(it, "SELECT pg_terminate_backend(pg_backend_pid())"))
    assert events.closed == {"failed": 2}
    await until(lambda: pool.idle == 2)


async def test_a_wrong_statement_costs_no_connection_and_is_not_tried_again(
    pool: ConnectionPool, events: Events
) -> None:
    with pytest.raises(psycopg2.ProgrammingError):
        await pool.run(lambda connection: value(connection, "SELECT nonsense"))
    assert len(events.waits) == 1
    assert (pool.idle, events.closed) == (2, {})


async def test_a_transaction_that_failed_is_not_tried_again(
    pool: ConnectionPool, events: Events
) -> None:
    async def work(connection: Any) -> None:
        async with connection.cursor() as cursor:
            await cursor.execute("BEGIN")
            await cursor.execute("DO 'BEGIN RAISE SQLSTATE ''40001''; END'")

    # An OperationalError like that of a lost connection; whoever began it knows what to repeat.
    with pytest.raises(psycopg2.errors.SerializationFailure):
        await pool.run(work)
    assert (len(events.waits), events.closed) == (1, {"failed": 1})


async def test_connections_killed_while_idle_are_replaced_before_they_are_lent(
    settings: Settings, events: Events, execute: Execute
) -> None:
    async with opened(settings, events, "killed-idle", check_idle=1e-9) as pool:
        execute(KILL, "killed-idle")
        assert await asyncio.gather(*(answer(pool) for _ in range(4))) == [42] * 4
        assert events.closed == {"dead": 2}


async def test_an_open_transaction_is_not_passed_on(
    pool: ConnectionPool, events: Events, caplog: pytest.LogCaptureFixture
) -> None:
    async with pool.connection() as connection, connection.cursor() as cursor:
        await cursor.execute("BEGIN")
    assert events.closed == {"failed": 1}
    assert "within a transaction" in caplog.text
    await until(lambda: pool.idle == 2)


async def test_with_the_server_out_of_reach_nobody_waits_for_the_deadline(
    settings: Settings, events: Events, execute: Execute
) -> None:
    proxy = Proxy(settings)
    async with proxy.running(), opened(settings, events, "gone", port=proxy.port) as pool:
        proxy.refuse()
        execute(KILL, "gone")
        await until(lambda: events.closed["dead"] == 2)
        asking = [asyncio.create_task(answer(pool)) for _ in range(5)]
        async with asyncio.timeout(4):  # the deadline is 5 s
            outcomes = await asyncio.gather(*asking, return_exceptions=True)
        assert {type(each) for each in outcomes} == {psycopg2.OperationalError}
        proxy.go_on()
        await until(lambda: pool.idle == 2)
        assert await answer(pool) == 42


async def test_opening_fails_when_the_server_is_out_of_reach(
    settings: Settings, events: Events
) -> None:
    with pytest.raises(psycopg2.OperationalError):
        async with opened(settings, events, port=1):
            pass


# ── Statements that nobody waits for any more ───────────────────────────────────────────────────


@pytest.mark.parametrize("ending", ["cancelled", "deadline"])
async def test_a_statement_given_up_does_not_go_on_on_the_server(
    settings: Settings, events: Events, execute: Execute, ending: str
) -> None:
    name = f"given-up-{ending}"
    async with opened(settings, events, name) as pool:
        sleeping = asyncio.create_task(answer(pool, "SELECT pg_sleep(9)"))
        await until(lambda: execute(RUNNING, name) == [(1,)])
        if ending == "cancelled":
            sleeping.cancel()
            await asyncio.gather(sleeping, return_exceptions=True)
        else:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(sleeping, 0.01)
        await until(lambda: execute(RUNNING, name) == [(0,)], seconds=5)
        assert events.closed == {"cancelled": 1}
        await until(lambda: execute(COUNT, name) == [(2,)])  # and its place is taken


# ── Leaks, and the end ──────────────────────────────────────────────────────────────────────────


async def test_a_connection_held_for_long_is_told_once_with_where_it_was_borrowed(
    settings: Settings, events: Events, caplog: pytest.LogCaptureFixture
) -> None:
    clock = Clock(1000.0)
    async with opened(settings, events, clock=clock, leak_after=10) as pool:
        async with pool.connection():
            clock.now += 11
            await until(lambda: events.leaked == 1)
            async with pool.connection():
                clock.now += 11
                await until(lambda: events.leaked > 1)
        assert events.leaked == 2  # one for each: the first is not told of again
    told = [each.message for each in caplog.records if each.levelno == logging.WARNING]
    assert len(told) == 2
    assert all(f"{__file__}:" in each and "held_for_long" in each for each in told)


async def test_closing_waits_for_what_is_lent(
    settings: Settings, events: Events, execute: Execute
) -> None:
    async with opened(settings, events, "drained") as pool:
        working = asyncio.create_task(answer(pool, "SELECT 42 FROM pg_sleep(0.2)"))
        await until(lambda: execute(RUNNING, "drained") == [(1,)])
        await pool.close(5)
        assert await working == 42
        assert events.closed == {"drained": 2}
        with pytest.raises(PoolClosed):
            await answer(pool)
    await until(lambda: execute(COUNT, "drained") == [(0,)])


async def test_closing_waits_no_longer_than_it_is_told(
    settings: Settings, events: Events, execute: Execute, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(settings, events, "cut-off") as pool:
        working = asyncio.create_task(answer(pool, "SELECT pg_sleep(9)"))
        await until(lambda: execute(RUNNING, "cut-off") == [(1,)])
        await pool.close(0.05)
        with pytest.raises(psycopg2.Error):
            await working
        assert events.closed == {"drained": 2}
        assert "in answer" in caplog.text  # where it was borrowed
    await until(lambda: execute(COUNT, "cut-off") == [(0,)])


async def test_closing_sends_those_away_who_wait(settings: Settings, events: Events) -> None:
    async with opened(settings, events, minimum=1, maximum=1) as pool:
        async with pool.connection():
            waiting = asyncio.create_task(answer(pool))
            await until(lambda: pool.waiting == 1)
            closing = asyncio.create_task(pool.close(5))
            with pytest.raises(PoolClosed):
                await waiting
        await closing


async def test_a_connection_that_is_being_opened_at_the_end_is_closed(
    settings: Settings, events: Events, execute: Execute
) -> None:
    async with Proxy(settings).running() as proxy:
        limits: dict[str, Any] = {"minimum": 1, "maximum": 2}
        async with opened(settings, events, "late", port=proxy.port, **limits) as pool:
            proxy.stop()
            async with pool.connection():
                waiting = asyncio.create_task(answer(pool))
                await until(lambda: proxy.kept_waiting == 1)
            assert await waiting == 42
        proxy.go_on()
        await until(lambda: execute(COUNT, "late") == [(0,)])
