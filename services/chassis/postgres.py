"""PostgreSQL: how every service connects, and a pool whose statements are counted and timed.

This is aiopg's pool with the three guards that it needs in production: it is filled at the start
(it opens connections while it holds its own lock, so growing under load stalls everybody), free
connections are thrown away when one of them turns out dead, and every statement has a deadline on
the server too (a timeout on our side closes the connection and leaves the statement running).
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from time import perf_counter
from typing import Any, TypeVar

import aiopg
import psycopg2
from aiohttp import web
from prometheus_client import Counter

from services import telemetry
from services.chassis.context import VARIANT
from services.chassis.distribution import Distribution
from services.chassis.health import CHECKS
from services.chassis.metrics import METRICS, Metrics
from services.settings import Settings

logger = logging.getLogger(__name__)

Row = tuple[Any, ...]
Opened = TypeVar("Opened")
RETRY_INTERVAL_SECONDS = 0.2
#: In milliseconds. While a statement runs the server looks so often whether its client is there.
_CLIENT_CHECK = 100


def server_settings(settings: Settings) -> dict[str, str]:
    """What the server itself sees to, for each connection, whatever becomes of its client.

    A driver that gives a statement up closes the connection, and a server reads no farewell while
    it computes: the statement would run on, for nobody. `client_connection_check_interval`
    (PostgreSQL 14 and later) makes it look, and is there even after a kill -9 of the client.
    Sending a cancel request instead was rejected: psycopg2's `cancel()` blocks with the interpreter
    lock held, so that no thread and no deadline around it helps when the server is out of reach.
    """
    return {
        "statement_timeout": str(int(settings.statement_timeout * 1000)),
        "client_connection_check_interval": str(_CLIENT_CHECK),
        # Moments are to look the same wherever the database was made.
        "timezone": "UTC",
    }


def connection_arguments(settings: Settings, application_name: str) -> dict[str, Any]:
    """What `aiopg.connect` and `aiopg.create_pool` take; the same for every variant."""
    named = server_settings(settings).items()
    return {
        "host": settings.database_host,
        "port": settings.database_port,
        "dbname": settings.database_name,
        "user": settings.database_user,
        "password": settings.database_password.get_secret_value(),
        "application_name": application_name,
        "options": " ".join(f"-c {name}={value}" for name, value in named),
        "timeout": settings.pool_timeout,
        # Each would add a catalog query to every connect, and no table here has such a column.
        "enable_hstore": False,
        "enable_uuid": False,
    }


class DatabaseMetrics:
    """Counts and times statements and connections, by the variant that is being answered."""

    def __init__(self, metrics: Metrics) -> None:
        self.technique = metrics.technique
        self._operations = metrics.counter(telemetry.DATABASE_OPERATIONS)
        self._durations = metrics.histogram(telemetry.DATABASE_OPERATION_DURATION)
        self._opened = metrics.counter(telemetry.DATABASE_CONNECTIONS_OPENED)
        self._waits = metrics.histogram(telemetry.DATABASE_CONNECTION_WAIT)
        self._connections = metrics.gauge(telemetry.DATABASE_CONNECTIONS)
        self._statement_children: dict[str, tuple[Counter, Counter, Distribution]] = {}
        self._wait_children: dict[str, Distribution] = {}

    def statement_finished(self, seconds: float, succeeded: bool) -> None:
        variant = VARIANT.get()
        children = self._statement_children.get(variant)
        if children is None:
            # A variant that opens none shows a zero, and not nothing, beside one that does.
            self._opened.labels(self.technique, variant)
            children = self._statement_children[variant] = (
                self._operations.labels(self.technique, variant, "ok"),
                self._operations.labels(self.technique, variant, "error"),
                self._durations.labels(self.technique, variant),
            )
        succeeded_counter, failed_counter, duration = children
        (succeeded_counter if succeeded else failed_counter).inc()
        duration.observe(seconds)

    def connection_opened(self) -> None:
        self._opened.labels(self.technique, VARIANT.get()).inc()

    def connection_obtained(self, seconds: float) -> None:
        """Count how long a request waited before it could send its first statement."""
        variant = VARIANT.get()
        child = self._wait_children.get(variant)
        if child is None:
            child = self._wait_children[variant] = self._waits.labels(self.technique, variant)
        child.observe(seconds)

    def watch_connections(self, idle: Callable[[], int], used: Callable[[], int]) -> None:
        """Read the pool's two counts whenever the metrics are asked for."""
        self._connections.labels(self.technique, "idle").set_function(idle)
        self._connections.labels(self.technique, "used").set_function(used)


class Session:
    """One connection, for as long as one request has it; one statement at a time."""

    def __init__(self, connection: Any, metrics: DatabaseMetrics) -> None:
        self._connection = connection
        self._metrics = metrics

    async def fetch(self, statement: str, parameters: Sequence[object] = ()) -> list[Row]:
        """All rows. Raises psycopg2.Error, or TimeoutError past the deadline."""
        started = perf_counter()
        succeeded = False
        try:
            async with self._connection.cursor() as cursor:
                await cursor.execute(statement, parameters)
                rows: list[Row] = await cursor.fetchall()
            succeeded = True
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            # aiopg reports a statement that the server gave up as a cancellation of the caller.
            raise TimeoutError("the statement took longer than statement_timeout") from None
        finally:
            self._metrics.statement_finished(perf_counter() - started, succeeded)
        return rows


class Database:
    """A pool of connections; `session()` lends one of them."""

    def __init__(self, pool: aiopg.Pool, metrics: DatabaseMetrics) -> None:
        self._pool = pool
        self._metrics = metrics

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Session]:
        """Raises TimeoutError when no connection comes free within the pool's deadline."""
        started = perf_counter()
        connection = await self._acquire()
        self._metrics.connection_obtained(perf_counter() - started)
        try:
            yield Session(connection, self._metrics)
        except (psycopg2.OperationalError, psycopg2.InterfaceError):
            await self._discard_idle()
            raise
        finally:
            await self._pool.release(connection)

    async def fetch(self, statement: str, parameters: Sequence[object] = ()) -> list[Row]:
        """One statement that may run twice: it is tried again where a connection was found dead."""
        try:
            async with self.session() as session:
                return await session.fetch(statement, parameters)
        except (psycopg2.OperationalError, psycopg2.InterfaceError):
            logger.warning("a pooled connection was dead; trying a new one")
        async with self.session() as session:
            return await session.fetch(statement, parameters)

    async def check(self) -> None:
        await self.fetch("SELECT 1")

    async def _acquire(self) -> Any:
        try:
            return await self._pool.acquire()
        except AssertionError:
            # aiopg asserts, rather than checks, that what it hands out is open.
            await self._discard_idle()
            return await self._pool.acquire()

    async def _discard_idle(self) -> None:
        # A server that went away took all connections with it, not only the one that noticed.
        await self._pool.clear()


DATABASE = web.AppKey("database", Database)
DATABASE_METRICS = web.AppKey("database_metrics", DatabaseMetrics)


def use_database_metrics(application: web.Application) -> DatabaseMetrics:
    metrics = DatabaseMetrics(application[METRICS])
    application[DATABASE_METRICS] = metrics
    return metrics


def use_postgres(application: web.Application, settings: Settings) -> None:
    """Give the application a filled pool at its start, and a readiness check."""
    metrics = use_database_metrics(application)

    async def opened(connection: Any) -> None:
        metrics.connection_opened()

    def open_pool() -> Awaitable[aiopg.Pool]:
        return aiopg.create_pool(
            minsize=settings.pool_min,
            maxsize=settings.pool_max,
            on_connect=opened,
            **connection_arguments(settings, metrics.technique),
        )

    async def postgres(application: web.Application) -> AsyncIterator[None]:
        pool = await reached_at_start(settings, open_pool)
        application[DATABASE] = database = Database(pool, metrics)
        application[CHECKS]["postgres"] = database.check
        metrics.watch_connections(lambda: pool.freesize, lambda: pool.size - pool.freesize)
        yield
        pool.terminate()
        await pool.wait_closed()

    application.cleanup_ctx.append(postgres)


async def reached_at_start(settings: Settings, connect: Callable[[], Awaitable[Opened]]) -> Opened:
    """Raises TimeoutError when the server cannot be reached within the start-up deadline."""
    async with asyncio.timeout(settings.startup_timeout):
        while True:
            try:
                return await connect()
            except psycopg2.OperationalError as error:
                logger.warning("postgres is out of reach, trying again: %s", str(error).strip())
                await asyncio.sleep(RETRY_INTERVAL_SECONDS)
