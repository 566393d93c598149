"""A hard life: for ten seconds one of the pool's server processes is killed every 100 ms."""

import asyncio
from collections import Counter
from time import perf_counter
from typing import Any

import psycopg2
import pytest

from services.connection_pooling.pool import ConnectionPool
from services.settings import Settings
from tests.conftest import until
from tests.integration.pooling import COUNT, Events, Execute, opened, value

NAME = "hard-life"
TASKS, CONNECTIONS, KILLS, INTERVAL = 64, 8, 100, 0.1
#: Twice what the pool lets anybody wait, since work is done twice at most, and a check.
DEADLINE, WAIT = 5.0, 2.0
KILL_ONE = """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE application_name = %s ORDER BY random() LIMIT 1"""


class Life:
    """What became of each request, and of each connection that died in one."""

    def __init__(self, pool: ConnectionPool) -> None:
        self._pool = pool
        self.outcomes: Counter[str] = Counter()
        self.slowest = 0.0
        self.dead: list[Any] = []
        self.lent_again = 0
        self.over = False

    async def requests(self) -> None:
        while not self.over:
            started = perf_counter()
            self.outcomes[await self._outcome()] += 1
            self.slowest = max(self.slowest, perf_counter() - started)

    async def _outcome(self) -> str:
        try:
            return str(await self._pool.run(self._work))
        except psycopg2.OperationalError:
            return "503"

    async def _work(self, connection: Any) -> Any:
        self.lent_again += any(connection is each for each in self.dead)
        try:
            # A few milliseconds, so that many die in the middle of it.
            return await value(connection, "SELECT 42 FROM pg_sleep(0.003)")
        except psycopg2.OperationalError:
            self.dead.append(connection)
            raise


@pytest.mark.timeout(60)
async def test_requests_are_answered_or_refused_in_time_while_connections_are_killed(
    settings: Settings, execute: Execute
) -> None:
    events = Events()
    limits: dict[str, Any] = {"minimum": CONNECTIONS, "maximum": CONNECTIONS, "timeout": WAIT}
    async with opened(settings, events, NAME, **limits) as pool:
        life = Life(pool)
        tasks = [asyncio.create_task(life.requests()) for _ in range(TASKS)]
        for _ in range(KILLS):
            await asyncio.sleep(INTERVAL)
            await asyncio.to_thread(execute, KILL_ONE, NAME)
        life.over = True
        await asyncio.gather(*tasks)

        assert set(life.outcomes) <= {"42", "503"}
        assert life.outcomes["42"] > 100 * life.outcomes["503"]
        assert life.slowest < DEADLINE
        assert len(life.dead) > KILLS / 4
        assert life.lent_again == 0
        assert events.refused == {}
        # As many as ever, and nothing in the server that the pool does not know of.
        await until(lambda: pool.idle == CONNECTIONS)
        await until(lambda: execute(COUNT, NAME) == [(CONNECTIONS,)])
    await until(lambda: execute(COUNT, NAME) == [(0,)])
