"""PostgreSQL: connection settings, and a pool whose statements are counted and timed.

The pool is aiopg's pool with three guards for production:

- The pool is filled at the start. aiopg opens connections while it holds its lock, so a pool that
  grows under load stalls every request that needs a connection.
- When one connection turns out to be dead, all idle connections are closed.
- Every statement also has a timeout on the server. A timeout on the client only closes the
  connection, and the statement runs on.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from time import perf_counter
from typing import Any, TypeVar

import aiopg
import psycopg2
from aiohttp import web
from prometheus_client import Counter

from services import telemetry
from services.chassis.health import CHECKS
from services.chassis.histogram_collector import Distribution
from services.chassis.metrics import METRICS, Metrics
from services.chassis.request_context import VARIANT
from services.settings import Settings

logger = logging.getLogger(__name__)

Row = tuple[Any, ...]
Opened = TypeVar("Opened")
RETRY_INTERVAL_SECONDS = 0.2
#: While a statement runs, the server checks at this interval whether its client is connected.
_CLIENT_CHECK_MILLISECONDS = 100


def server_settings(settings: Settings) -> dict[str, str]:
    """Settings of each connection that the server enforces, even if the client process is killed.

    A driver cancels a statement by closing the connection. While PostgreSQL runs a statement it
    does not read from the connection, so the orphaned statement would run on. With
    `client_connection_check_interval` (PostgreSQL 14 and later) the server notices the closed
    connection and ends the statement.

    A cancel request is no alternative. psycopg2's `cancel()` holds the GIL while it waits. When the
    server is unreachable, neither a thread nor a deadline around the call helps.
    """
    return {
        "statement_timeout": str(int(settings.statement_timeout * 1000)),
        "client_connection_check_interval": str(_CLIENT_CHECK_MILLISECONDS),
        # Timestamps must not depend on the time zone of the database.
        "timezone": "UTC",
    }


def connection_arguments(settings: Settings, application_name: str) -> dict[str, Any]:
    """Arguments of `aiopg.connect` and `aiopg.create_pool`, the same for every variant."""
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
        # Each of these would add a catalog query to every connect. No table has such a column.
        "enable_hstore": False,
        "enable_uuid": False,
    }


class DatabaseMetrics:
    """Counts and times statements and connections, by the variant of the current request."""

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
        """Count a statement and its duration."""
        variant = VARIANT.get()
        children = self._statement_children.get(variant)
        if children is None:
            # A variant that opens no connection then shows 0 rather than no series.
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
        """Count a new connection."""
        self._opened.labels(self.technique, VARIANT.get()).inc()

    def connection_obtained(self, seconds: float) -> None:
        """Observe how long a request waited until it had a connection."""
        variant = VARIANT.get()
        child = self._wait_children.get(variant)
        if child is None:
            child = self._wait_children[variant] = self._waits.labels(self.technique, variant)
        child.observe(seconds)

    def watch_connections(self, idle: Callable[[], int], used: Callable[[], int]) -> None:
        """Export the pool's numbers of idle and used connections, read at each scrape."""
        self._connections.labels(self.technique, "idle").set_function(idle)
        self._connections.labels(self.technique, "used").set_function(used)


class Session:
    """A connection that one request has borrowed. It runs one statement at a time."""

    def __init__(self, connection: Any, metrics: DatabaseMetrics) -> None:
        self._connection = connection
        self._metrics = metrics

    async def fetch(self, statement: str, parameters: Sequence[object] = ()) -> list[Row]:
        """All rows of a statement. Raises psycopg2.Error or, after its timeout, TimeoutError."""
        started = perf_counter()
        succeeded = False
        try:
            async with self._connection.cursor() as cursor:
                await cursor.execute(statement, parameters)
                rows: list[Row] = await cursor.fetchall()
            succeeded = True
        except asyncio.CancelledError:
            if _is_cancelled():
                raise
            # aiopg turns a statement_timeout of the server into a CancelledError of the caller.
            raise TimeoutError("the statement took longer than statement_timeout") from None
        except (psycopg2.OperationalError, psycopg2.InterfaceError):
            if _is_cancelled():
                # aiopg closes the connection of a cancelled caller, and may report the closing
                # instead of the cancellation. A retry would then outlive the request's deadline.
                raise asyncio.CancelledError from None
            raise
        finally:
            self._metrics.statement_finished(perf_counter() - started, succeeded)
        return rows


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0


class Database:
    """A pool of connections; `session()` lends one of them."""

    def __init__(self, pool: aiopg.Pool, metrics: DatabaseMetrics) -> None:
        self._pool = pool
        self._metrics = metrics

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Session]:
        """Lend a connection. Raises TimeoutError when none is free within `pool_timeout`."""
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
        """All rows of an idempotent statement, which is retried once if its connection was dead."""
        rows = await self._fetch_with_retry(statement, parameters)
        if _is_cancelled():
            # aiopg loses a cancellation that arrives when the statement ends. A caller that fetches
            # again and again would then run on after its deadline.
            raise asyncio.CancelledError
        return rows

    async def _fetch_with_retry(self, statement: str, parameters: Sequence[object]) -> list[Row]:
        try:
            async with self.session() as session:
                return await session.fetch(statement, parameters)
        except (psycopg2.OperationalError, psycopg2.InterfaceError):
            logger.warning("a pooled connection was dead; retrying on a new one")
        async with self.session() as session:
            return await session.fetch(statement, parameters)

    async def check(self) -> None:
        """The readiness check: runs one statement."""
        await self.fetch("SELECT 1")

    async def _acquire(self) -> Any:
        with refusal_as_operational_error():
            try:
                return await self._pool.acquire()
            except AssertionError:
                # aiopg asserts that the connection is open; a dead one raises AssertionError.
                await self._discard_idle()
                return await self._pool.acquire()

    async def _discard_idle(self) -> None:
        # When the server goes down, all connections die, not only the one that failed first.
        await self._pool.clear()


@contextmanager
def refusal_as_operational_error() -> Iterator[None]:
    """Raises psycopg2.OperationalError if the server refuses aiopg's connection under uvloop.

    libpq closes its socket as soon as the server refuses. uvloop then has a closed handle for that
    socket, and raises RuntimeError when aiopg wants to watch it.
    """
    try:
        yield
    except RuntimeError as error:
        if "handler is closed" not in str(error):
            raise
        raise psycopg2.OperationalError("the server refused the connection") from error


DATABASE = web.AppKey("database", Database)
DATABASE_METRICS = web.AppKey("database_metrics", DatabaseMetrics)


def use_database_metrics(application: web.Application) -> DatabaseMetrics:
    """Give the application the metrics of statements and connections."""
    metrics = DatabaseMetrics(application[METRICS])
    application[DATABASE_METRICS] = metrics
    return metrics


def use_postgres(application: web.Application, settings: Settings) -> None:
    """Give the application a pool, filled at its start, and a readiness check."""
    metrics = use_database_metrics(application)

    async def on_connect(connection: Any) -> None:
        metrics.connection_opened()

    def open_pool() -> Awaitable[aiopg.Pool]:
        return aiopg.create_pool(
            minsize=settings.pool_min,
            maxsize=settings.pool_max,
            on_connect=on_connect,
            **connection_arguments(settings, metrics.technique),
        )

    async def postgres(application: web.Application) -> AsyncIterator[None]:
        pool = await connect_at_start(settings, open_pool)
        application[DATABASE] = database = Database(pool, metrics)
        application[CHECKS]["postgres"] = database.check
        metrics.watch_connections(lambda: pool.freesize, lambda: pool.size - pool.freesize)
        yield
        pool.terminate()
        await pool.wait_closed()

    application.cleanup_ctx.append(postgres)


async def connect_at_start(settings: Settings, connect: Callable[[], Awaitable[Opened]]) -> Opened:
    """Retry `connect` until it succeeds. Raises TimeoutError after `startup_timeout`."""
    async with asyncio.timeout(settings.startup_timeout):
        while True:
            try:
                with refusal_as_operational_error():
                    return await connect()
            except psycopg2.OperationalError as error:
                logger.warning("postgres is unreachable; retrying: %s", str(error).strip())
                await asyncio.sleep(RETRY_INTERVAL_SECONDS)
