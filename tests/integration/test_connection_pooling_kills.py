"""The pool under load while its server processes are killed, one after every 25 answers."""

import asyncio
from collections import Counter
from time import perf_counter
from typing import Any

import psycopg2
import pytest

from services.connection_pooling.pool import ConnectionPool
from services.settings import Settings
from tests.conftest import until
from tests.counting_observer import CountingObserver
from tests.integration.pooling import COUNT, Execute, first_value, open_pool

NAME = "killed-under-load"
CALLERS, CONNECTIONS, KILLS, ANSWERS_PER_KILL = 64, 8, 100, 25
WAIT_SECONDS = 2.0
#: Work runs at most twice. Each time the caller waits at most WAIT_SECONDS; the rest is for checks.
DEADLINE_SECONDS = 5.0
#: The errors of a statement whose connection dies. The service answers 503 to both.
LOST = (psycopg2.OperationalError, psycopg2.InterfaceError)
KILL_ONE = """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE application_name = %s ORDER BY random() LIMIT 1"""


class Callers:
    """Callers that use the pool without a pause, and a record of their outcomes."""

    def __init__(self, pool: ConnectionPool) -> None:
        self._pool = pool
        self._stopped = False
        self.outcomes: Counter[str] = Counter()
        self.slowest_seconds = 0.0
        self.dead: list[Any] = []
        self.dead_lent_again = 0

    async def call_until_stopped(self) -> None:
        while not self._stopped:
            started = perf_counter()
            self.outcomes[await self._call()] += 1
            self.slowest_seconds = max(self.slowest_seconds, perf_counter() - started)

    def stop(self) -> None:
        self._stopped = True

    async def wait_for_answers(self, count: int) -> None:
        enough = self.outcomes.total() + count
        await until(lambda: self.outcomes.total() >= enough)

    async def _call(self) -> str:
        try:
            return str(await self._pool.run(self._work))
        except LOST:
            return "failed"

    async def _work(self, connection: Any) -> Any:
        self.dead_lent_again += any(connection is each for each in self.dead)
        try:
            # The statement takes a few milliseconds, so that kills often hit a running one.
            return await first_value(connection, "SELECT 42 FROM pg_sleep(0.003)")
        except LOST:
            self.dead.append(connection)
            raise


@pytest.mark.timeout(60)
async def test_callers_are_answered_in_time_while_connections_are_killed(
    settings: Settings, execute: Execute
) -> None:
    observer = CountingObserver()
    limits: dict[str, Any] = {
        "minimum": CONNECTIONS,
        "maximum": CONNECTIONS,
        "timeout_seconds": WAIT_SECONDS,
    }
    async with open_pool(settings, observer, NAME, **limits) as pool:
        callers = Callers(pool)
        tasks = [asyncio.create_task(callers.call_until_stopped()) for _ in range(CALLERS)]
        for _ in range(KILLS):
            await callers.wait_for_answers(ANSWERS_PER_KILL)
            await asyncio.to_thread(execute, KILL_ONE, NAME)
        await callers.wait_for_answers(ANSWERS_PER_KILL)
        callers.stop()
        await asyncio.gather(*tasks)

        assert set(callers.outcomes) <= {"42", "failed"}
        assert callers.outcomes["42"] > 100 * callers.outcomes["failed"]
        assert callers.slowest_seconds < DEADLINE_SECONDS
        assert len(callers.dead) > KILLS / 4
        assert callers.dead_lent_again == 0
        assert observer.refused == {}
        # The pool is full again, and the server has no connection that the pool does not know.
        await until(lambda: pool.idle == CONNECTIONS)
        await until(lambda: execute(COUNT, NAME) == [(CONNECTIONS,)])
    await until(lambda: execute(COUNT, NAME) == [(0,)])
