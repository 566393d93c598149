"""N+1 queries: counted by the service, and by the server that the queries went to."""

import gc
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random
from typing import Any

import orjson
import pytest
from aiohttp import ClientResponse

from services.avoiding_n_plus_one import batch
from services.avoiding_n_plus_one.technique import TECHNIQUE
from tests.conftest import Client, ClientOf, samples, until

Execute = Callable[..., list[tuple[Any, ...]]]

BUDGET = 3
NAMES = TECHNIQUE.variant_names()
#: What a list needs when there is something in it, by variant; naive's depends on what it finds.
STATEMENTS = {"optimized": 1, "batch": 3, "join": 1, "json-aggregation": 1}
SIZES = (0, 1, 2, 10, 50, 200)

each_variant = pytest.mark.parametrize("variant", NAMES)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request came to, by every count there is."""

    posts: list[dict[str, Any]]
    in_header: int
    in_metrics: float
    seen_by_server: int

    @property
    def comments(self) -> int:
        return sum(len(post["comments"]) for post in self.posts)


async def get(client: Client, variant: str, **query: int) -> ClientResponse:
    return await client.get(TECHNIQUE.path(variant), params=query)


async def metric(client: Client, name: str, variant: str) -> float:
    labels = f'{{technique="n-plus-one",variant="{variant}"}}'
    return (await samples(client)).get(name + labels, 0)


@pytest.fixture
def seen_by_server(execute: Execute) -> Callable[[], int]:
    """How many statements PostgreSQL has run since it was asked last, but for this question."""

    def count() -> int:
        [(calls,)] = execute(
            "SELECT coalesce(sum(calls), 0)::bigint FROM pg_stat_statements"
            " WHERE query NOT LIKE '%%pg_stat_statements%%'"
        )
        execute("SELECT pg_stat_statements_reset()")
        return int(calls)

    count()
    return count


async def counted(
    client: Client, seen_by_server: Callable[[], int], variant: str, **query: int
) -> Answer:
    before = await metric(client, "db_client_operations_per_request_sum", variant)
    seen_by_server()
    response = await get(client, variant, **query)
    seen = seen_by_server()
    after = await metric(client, "db_client_operations_per_request_sum", variant)
    posts = (await response.json())["posts"]
    return Answer(posts, int(response.headers["X-Query-Count"]), after - before, seen)


@pytest.mark.parametrize("posts", SIZES)
async def test_the_server_counts_what_the_service_counts(
    client_of: ClientOf, seen_by_server: Callable[[], int], posts: int
) -> None:
    client = await client_of("n-plus-one")
    random = Random(posts)
    for variant in NAMES:
        for start in (1, random.randint(1, 800)):
            answer = await counted(client, seen_by_server, variant, posts=posts, start=start)
            assert len(answer.posts) == posts
            assert answer.in_header == answer.in_metrics == answer.seen_by_server


@pytest.mark.parametrize("posts", SIZES)
async def test_naive_sends_one_query_and_one_per_post_and_one_per_comment(
    client_of: ClientOf, seen_by_server: Callable[[], int], posts: int
) -> None:
    client = await client_of("n-plus-one")
    answer = await counted(client, seen_by_server, "naive", posts=posts, start=100)
    assert answer.seen_by_server == 1 + posts + answer.comments


@pytest.mark.parametrize("posts", [size for size in SIZES if size])
@pytest.mark.parametrize("variant", STATEMENTS)
async def test_the_others_send_as_many_however_long_the_list_is(
    client_of: ClientOf, seen_by_server: Callable[[], int], variant: str, posts: int
) -> None:
    client = await client_of("n-plus-one")
    answer = await counted(client, seen_by_server, variant, posts=posts, start=100)
    assert answer.comments or posts == 1
    assert answer.seen_by_server == STATEMENTS[variant]


@each_variant
async def test_an_empty_list_takes_one_query(
    client_of: ClientOf, seen_by_server: Callable[[], int], variant: str
) -> None:
    client = await client_of("n-plus-one")
    for query in ({"posts": 0}, {"start": 1_000_000}):
        answer = await counted(client, seen_by_server, variant, **query)
        assert answer.posts == []
        assert answer.seen_by_server == 1


@pytest.mark.parametrize("variant", [name for name in NAMES if name != "naive"])
async def test_no_variant_but_naive_ever_exceeds_the_budget(
    client_of: ClientOf, variant: str
) -> None:
    client = await client_of("n-plus-one")
    for posts in SIZES:
        for start in range(1, 1_001, 150):
            response = await get(client, variant, posts=posts, start=start)
            assert int(response.headers["X-Query-Count"]) <= BUDGET
            assert response.headers["X-Query-Budget"] == str(BUDGET)
    assert await metric(client, "db_client_over_budget_requests_total", variant) == 0


async def test_naive_exceeds_the_budget_and_is_counted_for_it(client_of: ClientOf) -> None:
    client = await client_of("n-plus-one")
    for posts in (0, 50, 50):
        assert (await get(client, "naive", posts=posts)).status == 200
    assert await metric(client, "db_client_over_budget_requests_total", "naive") == 2
    assert await metric(client, "db_client_operations_per_request_count", "naive") == 3


@each_variant
async def test_statements_before_a_failure_count(
    client_of: ClientOf, execute: Execute, variant: str
) -> None:
    client = await client_of("n-plus-one", statement_timeout=0.05)
    with _locked(execute, "comments"):
        assert (await get(client, variant)).status == 504
    sent = await metric(client, "db_client_operations_per_request_sum", variant)
    assert sent == (2 if variant in ("naive", "batch") else 1)


@contextmanager
def _locked(execute: Execute, table: str) -> Iterator[None]:
    execute("BEGIN")
    execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
    try:
        yield
    finally:
        execute("ROLLBACK")


@each_variant
async def test_a_request_past_its_deadline_leaves_no_statement_and_no_task(
    client_of: ClientOf, execute: Execute, variant: str, caplog: pytest.LogCaptureFixture
) -> None:
    client = await client_of("n-plus-one", request_timeout=0.1)
    with _locked(execute, "comments"):
        assert (await get(client, variant)).status == 504
    active = "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s AND state = %s"
    await until(lambda: execute(active, "n-plus-one", "active") == [(0,)])
    # No connection was given back while something still used it.
    statuses = [(await get(client, variant, posts=5)).status for _ in range(6)]
    assert statuses == [200] * 6
    gc.collect()  # when asyncio complains of what was never looked at
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


async def test_all_variants_answer_alike_whatever_the_list(client_of: ClientOf) -> None:
    client = await client_of("n-plus-one")
    queries = [{"posts": posts, "start": 100} for posts in SIZES]
    queries += [{"posts": 50, "start": 980}, {"posts": 3, "start": 10**9}]
    for query in queries:
        answers = [await (await get(client, name, **query)).json() for name in NAMES]
        assert all(answer == answers[0] for answer in answers)


async def test_all_variants_tell_moments_in_utc_whatever_the_time_zone_of_the_database(
    client_of: ClientOf, execute: Execute
) -> None:
    execute("ALTER ROLE CURRENT_USER SET timezone = 'America/St_Johns'")  # half an hour, and behind
    try:
        client = await client_of("n-plus-one")
        answers = [await (await get(client, name)).json() for name in NAMES]
    finally:
        execute("ALTER ROLE CURRENT_USER RESET timezone")
    assert all(answer == answers[0] for answer in answers)
    assert answers[0]["posts"][0]["created_at"].endswith("+00:00")


async def test_batches_in_portions_never_share_the_connection(
    client_of: ClientOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch, "MAXIMUM_BATCH", 7)
    client = await client_of("n-plus-one")
    response = await get(client, "batch", posts=50)
    assert int(response.headers["X-Query-Count"]) > BUDGET
    assert await response.json() == await (await get(client, "naive", posts=50)).json()


@pytest.fixture
def odd_posts(execute: Execute) -> Iterator[int]:
    """Two posts at the end of the table: one that is hard to write down, one without comments."""
    text = 'a "quoted" \\ back\\slash, tab\t, line\n\r, \x01, é, 𝄞, </script>, 100 % %s'
    comments = [
        "2024-02-29 23:59:59+00",  # no fraction at all
        "2024-02-29 23:59:59.1+05:30",  # and zeros at its end
        "1970-01-01 00:00:00.000001+00",
    ]
    first = 5_000_000
    for post in (first, first + 1):
        execute("INSERT INTO posts VALUES (%s, 1, %s, '', '1970-01-01Z')", post, text)
    for number, moment in enumerate(comments):
        execute(
            "INSERT INTO comments VALUES (%s, %s, 2, %s, %s)", first - number, first, text, moment
        )
    yield first
    execute("DELETE FROM comments WHERE post_id >= %s", first)
    execute("DELETE FROM posts WHERE id >= %s", first)


async def test_all_variants_spell_odd_texts_and_moments_alike(
    client_of: ClientOf, odd_posts: int
) -> None:
    client = await client_of("n-plus-one")
    answers = [
        orjson.loads(await (await get(client, name, start=odd_posts)).read()) for name in NAMES
    ]
    assert all(answer == answers[0] for answer in answers)
    first, second = answers[0]["posts"]
    assert [len(first["comments"]), second["comments"]] == [3, []]
    assert [comment["id"] for comment in first["comments"]] == sorted(
        comment["id"] for comment in first["comments"]
    )
