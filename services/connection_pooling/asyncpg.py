"""The same read through another driver: asyncpg, with its own pool and its prepared statements."""

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
from services.connection_pooling.post import answer, asked_for
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
    number, milliseconds = asked_for(request)
    asked = perf_counter()
    with _errors_of_the_lab():
        timeout = request.app[SETTINGS].pool_timeout
        async with request.app[ASYNCPG_POOL].acquire(timeout=timeout) as connection:
            metrics.connection_obtained(perf_counter() - asked)
            if milliseconds:
                row = await _fetch(metrics, connection, _SLOW_STATEMENT, number, milliseconds)
            else:
                row = await _fetch(metrics, connection, _STATEMENT, number)
    return answer(number, row)


async def open_asyncpg_pool(
    settings: Settings, application_name: str, metrics: DatabaseMetrics
) -> Any:
    """Raises psycopg2.OperationalError when the server is out of reach."""

    async def opened(connection: Any) -> None:
        metrics.connection_opened()

    try:
        with _errors_of_the_lab():
            return await asyncpg.create_pool(
                **_connection_arguments(settings, application_name),
                min_size=settings.pool_min,
                max_size=settings.pool_max,
                init=opened,
                # The default asks the server to forget all settings, a round trip for each loan.
                # The other pool does not, and nothing here sets any.
                reset=_leave_as_it_is,
            )
    except TimeoutError:
        raise psycopg2.OperationalError("connecting took too long") from None


async def close_asyncpg_pool(pool: Any, timeout: float) -> None:
    """Wait so many seconds for what is lent, then close that as well."""
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


async def _leave_as_it_is(connection: Any) -> None:
    pass


async def _fetch(metrics: DatabaseMetrics, connection: Any, statement: str, *values: int) -> Any:
    started = perf_counter()
    succeeded = False
    try:
        row = await connection.fetchrow(statement, *values)
        succeeded = True
    finally:
        metrics.statement_finished(perf_counter() - started, succeeded)
    return row


@contextmanager
def _errors_of_the_lab() -> Iterator[None]:
    try:
        yield
    except asyncpg.QueryCanceledError:
        raise TimeoutError("the statement took longer than statement_timeout") from None
    except TimeoutError:
        raise  # an OSError, too
    except _UNREACHABLE as error:
        raise psycopg2.OperationalError(str(error)) from None
