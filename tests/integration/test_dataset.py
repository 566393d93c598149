"""The data set in PostgreSQL, and its bulk load."""

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest

from services.dataset.bulk_load import connect, load
from services.dataset.generator import SIZES
from services.settings import Settings

Execute = Callable[..., list[tuple[Any, ...]]]


@pytest.fixture
def other_database(settings: Settings, execute: Execute) -> Iterator[Settings]:
    execute("DROP DATABASE IF EXISTS other")
    execute("CREATE DATABASE other")
    yield settings.model_copy(update={"database_name": "other"})
    execute("DROP DATABASE other WITH (FORCE)")


def test_tables_have_the_number_of_rows_of_the_size(settings: Settings, execute: Execute) -> None:
    size = SIZES["small"]
    for table in ("authors", "posts", "comments", "tags"):
        assert execute(f"SELECT count(*) FROM {table}") == [(size.rows(table),)]
    assert execute("SELECT rows FROM row_counts") == [(size.posts,)]


def test_creation_times_are_distinct(settings: Settings, execute: Execute) -> None:
    for table in ("posts", "comments"):
        assert execute(f"SELECT count(*) - count(DISTINCT created_at) FROM {table}") == [(0,)]


def test_a_second_load_only_adds_indexes_but_another_seed_loads(other_database: Settings) -> None:
    steps: list[tuple[int, int]] = []
    assert load(other_database, lambda done, total: steps.append((done, total)))
    assert steps[-1][0] == steps[-1][1] == len(steps)
    with closing(connect(other_database)) as connection, connection.cursor() as cursor:
        cursor.execute("DROP INDEX posts_title_id")
        assert not load(other_database)
        # The missing index was created, although the data set was not loaded again.
        cursor.execute("SELECT 'posts_title_id'::regclass")
    assert load(other_database.model_copy(update={"dataset_seed": 2}))


def test_the_row_count_is_right_after_statements_on_several_rows(
    settings: Settings, execute: Execute
) -> None:
    ((before,),) = execute("SELECT rows FROM row_counts")
    execute(
        "INSERT INTO posts (author_id, title, body, created_at)"
        " SELECT 1, 'many', 'many', now() + n * interval '1 ms' FROM generate_series(1, 10) AS n"
    )
    assert execute("SELECT rows FROM row_counts") == [(before + 10,)]
    execute("DELETE FROM posts WHERE title = 'many'")
    assert execute("SELECT rows FROM row_counts") == [(before,)]
