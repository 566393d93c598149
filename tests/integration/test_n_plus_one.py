"""The N+1 service against a real PostgreSQL, which also counts the statements."""

import asyncio
import gc
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random
from typing import Any

import orjson
import pytest
import pytest_asyncio
from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient, TestServer

from services.avoiding_n_plus_one import batch
from services.avoiding_n_plus_one.app import create
from services.avoiding_n_plus_one.technique import TECHNIQUE
from services.settings import Settings
from tests.conftest import Client, ClientOf, samples, until
from tests.integration.holding_proxy import HoldingProxy

Execute = Callable[..., list[tuple[Any, ...]]]

BUDGET = 3
NAMES = TECHNIQUE.variant_names()
#: Statements for a list that is not empty. Those of naive depend on its length.
STATEMENTS = {"optimized": 1, "batch": 3, "join": 1, "json-aggregation": 1}
SIZES = (0, 1, 2, 10, 50, 200)

each_variant = pytest.mark.parametrize("variant", NAMES)
#: For tests that use `shared_client`, which lives in the event loop of the module.
in_module_loop = pytest.mark.asyncio(loop_scope="module")


@dataclass(frozen=True, slots=True)
class Answer:
    """The posts of a response, and how many statements they took."""

    posts: list[dict[str, Any]]
    statements: int

    @property
    def comments(self) -> int:
        return sum(len(post["comments"]) for post in self.posts)


async def get(client: Client, variant: str, **query: int) -> ClientResponse:
    return await client.get(TECHNIQUE.path(variant), params=query)


async def metric(client: Client, name: str, variant: str) -> float:
    labels = f'{{technique="n-plus-one",variant="{variant}"}}'
    return (await samples(client)).get(name + labels, 0)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_client(settings: Settings) -> AsyncIterator[Client]:
    """A client of one service for all tests that need neither new metrics nor other settings."""
    async with TestClient(TestServer(create(settings))) as client:
        yield client


@pytest.fixture
def statements_run(execute: Execute) -> Callable[[], int]:
    """Returns how many statements PostgreSQL ran since the last call, without those of the call."""

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
    client: Client, statements_run: Callable[[], int], variant: str, **query: int
) -> Answer:
    """The answer to a request whose statements header, metrics and PostgreSQL count the same."""
    before = await metric(client, "db_client_operations_per_request_sum", variant)
    statements_run()
    response = await get(client, variant, **query)
    by_server = statements_run()
    after = await metric(client, "db_client_operations_per_request_sum", variant)
    assert int(response.headers["X-Query-Count"]) == after - before == by_server
    return Answer((await response.json())["posts"], by_server)


def starts(posts: int) -> tuple[int, int]:
    """The first post's number in two lists of this length."""
    return 1, Random(posts).randint(1, 800)


@pytest.mark.parametrize("posts", SIZES)
@in_module_loop
async def test_naive_sends_one_query_plus_one_per_post_and_comment(
    shared_client: Client, statements_run: Callable[[], int], posts: int
) -> None:
    for start in starts(posts):
        answer = await counted(shared_client, statements_run, "naive", posts=posts, start=start)
        assert len(answer.posts) == posts
        assert answer.statements == 1 + posts + answer.comments


@pytest.mark.parametrize("posts", [size for size in SIZES if size])
@pytest.mark.parametrize("variant", STATEMENTS)
@in_module_loop
async def test_other_variants_send_a_constant_number_of_queries(
    shared_client: Client, statements_run: Callable[[], int], variant: str, posts: int
) -> None:
    for start in starts(posts):
        answer = await counted(shared_client, statements_run, variant, posts=posts, start=start)
        assert len(answer.posts) == posts
        assert answer.comments or posts == 1
        assert answer.statements == STATEMENTS[variant]


@each_variant
@in_module_loop
async def test_an_empty_list_takes_one_query(
    shared_client: Client, statements_run: Callable[[], int], variant: str
) -> None:
    for query in ({"posts": 0}, {"start": 1_000_000}):
        answer = await counted(shared_client, statements_run, variant, **query)
        assert answer.posts == []
        assert answer.statements == 1


@pytest.mark.parametrize("variant", [name for name in NAMES if name != "naive"])
@in_module_loop
async def test_only_naive_exceeds_the_budget(shared_client: Client, variant: str) -> None:
    for posts in SIZES:
        for start in range(1, 1_001, 150):
            response = await get(shared_client, variant, posts=posts, start=start)
            assert int(response.headers["X-Query-Count"]) <= BUDGET
            assert response.headers["X-Query-Budget"] == str(BUDGET)
    assert await metric(shared_client, "db_client_over_budget_requests_total", variant) == 0


async def test_naive_requests_over_budget_are_counted(client_of: ClientOf) -> None:
    client = await client_of("n-plus-one")
    for posts in (0, 50, 50):
        assert (await get(client, "naive", posts=posts)).status == 200
    assert await metric(client, "db_client_over_budget_requests_total", "naive") == 2
    assert await metric(client, "db_client_operations_per_request_count", "naive") == 3


@each_variant
async def test_statements_before_a_failure_are_counted(
    client_of: ClientOf, execute: Execute, variant: str
) -> None:
    client = await client_of("n-plus-one", statement_timeout=0.05)
    with locked(execute, "comments"):
        assert (await get(client, variant)).status == 504
    sent = await metric(client, "db_client_operations_per_request_sum", variant)
    assert sent == (2 if variant in ("naive", "batch") else 1)


@contextmanager
def locked(execute: Execute, table: str) -> Iterator[None]:
    execute("BEGIN")
    execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
    try:
        yield
    finally:
        execute("ROLLBACK")


@each_variant
async def test_a_request_past_its_deadline_leaves_no_statement_and_no_error(
    client_of: ClientOf, execute: Execute, variant: str, caplog: pytest.LogCaptureFixture
) -> None:
    client = await client_of("n-plus-one", request_timeout=0.3)
    with locked(execute, "comments"):
        assert (await get(client, variant)).status == 504
    active = "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s AND state = %s"
    await until(lambda: execute(active, "n-plus-one", "active") == [(0,)])
    # A connection that was returned while in use would make one of these requests fail.
    statuses = [(await get(client, variant, posts=5)).status for _ in range(6)]
    assert statuses == [200] * 6
    gc.collect()  # asyncio logs unretrieved errors when it collects their tasks
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


@in_module_loop
async def test_all_variants_answer_the_same_for_every_list(shared_client: Client) -> None:
    queries = [{"posts": posts, "start": 100} for posts in SIZES]
    queries += [{"posts": 50, "start": 980}, {"posts": 3, "start": 10**9}]
    for query in queries:
        answers = [await (await get(shared_client, name, **query)).json() for name in NAMES]
        assert all(answer == answers[0] for answer in answers)


async def test_all_variants_answer_in_utc_when_the_database_has_another_time_zone(
    client_of: ClientOf, execute: Execute
) -> None:
    # A time zone with a negative offset that is no whole number of hours.
    execute("ALTER ROLE CURRENT_USER SET timezone = 'America/St_Johns'")
    try:
        client = await client_of("n-plus-one")
        answers = [await (await get(client, name)).json() for name in NAMES]
    finally:
        execute("ALTER ROLE CURRENT_USER RESET timezone")
    assert all(answer == answers[0] for answer in answers)
    assert answers[0]["posts"][0]["created_at"].endswith("+00:00")


async def test_small_batches_run_one_after_another_on_the_connection(
    client_of: ClientOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch, "MAXIMUM_BATCH", 7)
    client = await client_of("n-plus-one")
    response = await get(client, "batch", posts=50)
    assert int(response.headers["X-Query-Count"]) > BUDGET
    assert await response.json() == await (await get(client, "naive", posts=50)).json()


@pytest.fixture
def escaped_posts(execute: Execute) -> Iterator[int]:
    """The first of two posts: one with texts that need escaping, one without comments."""
    text = 'a "quoted" \\ back\\slash, tab\t, line\n\r, \x01, é, 𝄞, </script>, 100 % %s'
    comments = [
        "2024-02-29 23:59:59+00",  # without a fraction
        "2024-02-29 23:59:59.1+05:30",  # with trailing zeros
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


@in_module_loop
async def test_all_variants_encode_escaped_texts_and_times_the_same(
    shared_client: Client, escaped_posts: int
) -> None:
    answers = [
        orjson.loads(await (await get(shared_client, name, start=escaped_posts)).read())
        for name in NAMES
    ]
    assert all(answer == answers[0] for answer in answers)
    first, second = answers[0]["posts"]
    assert [len(first["comments"]), second["comments"]] == [3, []]
    assert [comment["id"] for comment in first["comments"]] == sorted(
        comment["id"] for comment in first["comments"]
    )


# ── PostgreSQL is down ──────────────────────────────────────────────────────────────────────────


@each_variant
async def test_refused_connections_are_a_503_with_retry_after(
    client_of: ClientOf, settings: Settings, variant: str
) -> None:
    async with HoldingProxy(settings).running() as proxy:
        client = await client_of("n-plus-one", database_port=proxy.port)
        assert (await get(client, variant, posts=1)).status == 200
        proxy.close_all()
        responses = [await get(client, variant, posts=1) for _ in range(3)]
        assert [response.status for response in responses] == [503] * 3
        assert {response.headers["Retry-After"] for response in responses} == {"1"}
        assert (await responses[0].json(content_type=None))["dependency"] == "postgres"
        assert [(await client.get(path)).status for path in ("/readyz", "/healthz")] == [503, 200]
        assert await pooled_connections(client) == 0
        # Each failed request is counted, though those without a connection sent no statement.
        assert await metric(client, "db_client_operations_per_request_count", variant) == 4
        proxy.resume()
        assert (await get(client, variant, posts=1)).status == 200


@each_variant
async def test_a_silent_server_is_a_504_without_retry_after(
    client_of: ClientOf, settings: Settings, variant: str
) -> None:
    async with HoldingProxy(settings).running() as proxy:
        limits = {"pool_timeout": 0.5, "request_timeout": 0.8}
        client = await client_of("n-plus-one", database_port=proxy.port, **limits)
        assert (await get(client, variant, posts=1)).status == 200
        proxy.freeze()
        requests = (get(client, variant, posts=1) for _ in range(6))
        responses = await asyncio.gather(*requests)
        assert [response.status for response in responses] == [504] * 6
        assert not any("Retry-After" in response.headers for response in responses)
        failed = f'{{outcome="error",technique="n-plus-one",variant="{variant}"}}'
        assert (await samples(client))["db_client_operations_total" + failed] >= 1
        proxy.resume()
        async with asyncio.timeout(20):
            while (await get(client, variant, posts=1)).status != 200:
                pass


async def pooled_connections(client: Client) -> float:
    name = "db_client_connection_count"
    return sum(value for each, value in (await samples(client)).items() if each.startswith(name))
