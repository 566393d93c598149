"""Asyncpg variant: the same read through asyncpg's own pool, with prepared statements."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Any

import asyncpg
import psycopg2
from aiohttp import web

from services.chassis.application import SETTINGS
from services.chassis.postgres import DATABASE_METRICS, DatabaseMetrics, server_settings
from services.connection_pooling.post_by_id import post_request, post_response
from services.settings import Settings

ASYNCPG_POOL = web.AppKey("asyncpg_pool", asyncpg.Pool)

_STATEMENT = "SELECT id, title, author_id, created_at FROM posts WHERE id = $1"
_SLOW_STATEMENT = (
    "SELECT id, title, author_id, created_at FROM posts, pg_sleep($2::int / 1000.0) WHERE id = $1"
)
_UNREACHABLE = (
    OSError,
    asyncpg.InterfaceError,
    asyncpg.OperatorInterventionError,
    asyncpg.PostgresConnectionError,
    asyncpg.TooManyConnectionsError,
)


async def read_with_asyncpg(request: web.Request) -> web.Response:
    metrics = request.app[DATABASE_METRICS]
    post_id, milliseconds = post_request(request)
    asked_at = perf_counter()
    with _errors_of_psycopg2():
        timeout = request.app[SETTINGS].pool_timeout
        async with request.app[ASYNCPG_POOL].acquire(timeout=timeout) as connection:
            metrics.connection_obtained(perf_counter() - asked_at)
            if milliseconds:
                row = await _fetch_row(metrics, connection, _SLOW_STATEMENT, post_id, milliseconds)
            else:
                row = await _fetch_row(metrics, connection, _STATEMENT, post_id)
    return post_response(post_id, row)


async def open_asyncpg_pool(
    settings: Settings, application_name: str, metrics: DatabaseMetrics
) -> Any:
    """Opens asyncpg's pool. Raises psycopg2.OperationalError if PostgreSQL is unreachable."""

    async def count_connection(connection: Any) -> None:
        metrics.connection_opened()

    try:
        with _errors_of_psycopg2():
            return await asyncpg.create_pool(
                **_connection_arguments(settings, application_name),
                min_size=settings.pool_min,
                max_size=settings.pool_max,
                init=count_connection,
                # The default runs a reset statement after each loan, which costs a round trip. No
                # variant changes session settings, and the optimized variant does not reset either.
                reset=_skip_reset,
            )
    except TimeoutError:
        raise psycopg2.OperationalError("connecting to PostgreSQL timed out") from None


async def close_asyncpg_pool(pool: Any, timeout: float) -> None:
    """Waits up to `timeout` seconds for lent connections, then closes them too."""
    try:
        async with asyncio.timeout(timeout):
            await pool.close()
    except TimeoutError:
        pool.terminate()


def _connection_arguments(settings: Settings, application_name: str) -> dict[str, Any]:
    return {
        "host": settings.database_host,
        "port": settings.database_port,
        "database": settings.database_name,
        "user": settings.database_user,
        "password": settings.database_password.get_secret_value(),
        "server_settings": {"application_name": application_name, **server_settings(settings)},
        "timeout": settings.pool_timeout,
    }


async def _skip_reset(connection: Any) -> None:
    pass


async def _fetch_row(
    metrics: DatabaseMetrics, connection: Any, statement: str, *values: int
) -> Any:
    started = perf_counter()
    succeeded = False
    try:
        row = await connection.fetchrow(statement, *values)
        succeeded = True
    finally:
        metrics.statement_finished(perf_counter() - started, succeeded)
    return row


@contextmanager
def _errors_of_psycopg2() -> Iterator[None]:
    """Converts asyncpg's exceptions to those that the chassis turns into 503 and 504."""
    try:
        yield
    except asyncpg.QueryCanceledError:
        raise TimeoutError("the statement took longer than statement_timeout") from None
    except TimeoutError:
        raise  # caught here because TimeoutError is a subclass of OSError
    except _UNREACHABLE as error:
        raise psycopg2.OperationalError(str(error)) from None
