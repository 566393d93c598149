"""The bulk load of the data set into PostgreSQL. It is skipped if the data set is loaded already.

generator.py makes the rows; schema.sql, indexes.sql and added_indexes.sql define the tables.
"""

import io
import logging
import multiprocessing
import os
import signal
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import closing
from importlib.resources import files
from typing import Any

import psycopg2

from services.dataset.generator import COLUMNS, SIZES, VERSION, Chunk, Size, chunks, rows
from services.settings import Settings

logger = logging.getLogger(__name__)

#: The key of an advisory lock, an arbitrary number. Two loads at once would mix their rows.
_LOADER_LOCK = 5_187_301
_MAXIMUM_PROCESSES = 4

#: Called after each chunk with the number of loaded chunks and the number of all chunks.
Progress = Callable[[int, int], None]


def load(settings: Settings, progress: Progress = lambda done, total: None) -> bool:
    """Load the data set of the settings unless the database has it; return True if it was loaded.

    Any other data set in the database is replaced. Raises psycopg2.Error.
    """
    with closing(connect(settings)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", (_LOADER_LOCK,))
        _enable_statement_statistics(cursor)
        if _is_loaded(cursor, settings):
            cursor.execute(_sql("added_indexes.sql"))
            return False
        logger.info("loading the %s data set", settings.dataset_size)
        cursor.execute(_sql("schema.sql"))
        _load_chunks(settings, progress)
        cursor.execute(_sql("indexes.sql"))
        cursor.execute(_sql("added_indexes.sql"))
        # Otherwise autovacuum would do this later, perhaps during a measurement.
        for table in (*COLUMNS, "row_counts"):
            cursor.execute(f"VACUUM (ANALYZE) {table}")
        cursor.execute(
            "INSERT INTO dataset (version, size, seed) VALUES (%s, %s, %s)", _identity(settings)
        )
    return True


def connect(settings: Settings) -> Any:
    """A new connection in autocommit mode. Raises psycopg2.OperationalError."""
    connection = psycopg2.connect(
        host=settings.database_host,
        port=settings.database_port,
        dbname=settings.database_name,
        user=settings.database_user,
        password=settings.database_password.get_secret_value(),
        connect_timeout=int(settings.startup_timeout),
        application_name="dataset",
    )
    connection.autocommit = True
    return connection


def _enable_statement_statistics(cursor: Any) -> None:
    """Enable pg_stat_statements, with which users and tests see the statements of the lab.

    The lab works without the extension, so an error is only logged. This is not part of schema.sql,
    so that a database with a loaded data set gets the extension too.
    """
    try:
        cursor.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
    except psycopg2.Error as error:
        logger.info("no statement statistics: %s", str(error).strip())


def _identity(settings: Settings) -> tuple[int, str, int]:
    return VERSION, settings.dataset_size, settings.dataset_seed


def _is_loaded(cursor: Any, settings: Settings) -> bool:
    cursor.execute("SELECT to_regclass('dataset') IS NOT NULL")
    if not cursor.fetchone()[0]:
        return False
    cursor.execute("SELECT version, size, seed FROM dataset")
    return bool(cursor.fetchone() == _identity(settings))


def _sql(name: str) -> str:
    return (files("services.dataset") / name).read_text("utf-8")


def _load_chunks(settings: Settings, progress: Progress) -> None:
    """Generate and copy the chunks in several processes. Each one keeps a CPU core busy."""
    size = SIZES[settings.dataset_size]
    todo = chunks(size)
    processes = min(os.cpu_count() or 1, _MAXIMUM_PROCESSES, len(todo))
    # With fork, each child would inherit the open connection of this process.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, context, initializer=_ignore_interrupts) as pool:
        pending = [pool.submit(copy_chunk, chunk, size, settings) for chunk in todo]
        for done, future in enumerate(as_completed(pending), 1):
            future.result()
            progress(done, len(todo))


def _ignore_interrupts() -> None:
    """Ctrl-C reaches the whole process group; only the parent handles it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def copy_chunk(chunk: Chunk, size: Size, settings: Settings) -> None:
    """Generate the rows of a chunk and copy them to their table, on a new connection."""
    lines = io.StringIO()
    for row in rows(chunk, size, settings.dataset_seed):
        # No generated text has a tab, a newline or a backslash, so COPY needs no escapes.
        lines.write("\t".join(map(str, row)) + "\n")
    lines.seek(0)
    columns = ", ".join(COLUMNS[chunk.table])
    with closing(connect(settings)) as connection, connection.cursor() as cursor:
        cursor.copy_expert(f"COPY {chunk.table} ({columns}) FROM STDIN", lines)
