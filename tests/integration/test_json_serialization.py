"""The JSON serialization service over HTTP: media types, the same document, the export."""

import asyncio
import gc
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import orjson
import psutil
import pytest
import pytest_asyncio

from services.dataset.bulk_load import connect, load
from services.json_serialization.technique import TECHNIQUE
from services.local.ports import HOST, free_port
from services.local.process import Command, Process
from services.local.server_probe import service_is_ready
from services.local.server_probe import wait_until as until_ready
from services.settings import Settings, environment_of
from tests.conftest import ROOT, Client, ClientOf, samples
from tests.integration.faulty_proxy import Fault, FaultyProxy

OPTIMIZED = TECHNIQUE.path("optimized")
EXPORT = TECHNIQUE.path("export")
COPIES = 69
MANY = 70_000
MEGABYTE = 1_000_000

AnyClient = Client | aiohttp.ClientSession


@pytest.fixture(scope="module")
def many_posts(settings: Settings) -> Iterator[Settings]:
    """A database with 70,000 posts, over 100 MB as NDJSON. Half of them share a `created_at`."""
    many = settings.model_copy(update={"database_name": "many_posts"})
    with closing(connect(settings)) as connection, connection.cursor() as cursor:
        cursor.execute("DROP DATABASE IF EXISTS many_posts WITH (FORCE)")
        cursor.execute("CREATE DATABASE many_posts")
        _multiply_posts(many)
        yield many
        cursor.execute("DROP DATABASE many_posts WITH (FORCE)")


def _multiply_posts(settings: Settings) -> None:
    load(settings)
    with closing(connect(settings)) as connection, connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO posts (author_id, title, body, created_at)
            SELECT author_id, title, body,
                   date_trunc(
                       CASE mod(copy, 2) WHEN 0 THEN 'month' ELSE 'microseconds' END, created_at
                   ) - copy * interval '1 hour'
            FROM posts, generate_series(1, %s) AS copy
            """,
            (COPIES,),
        )
        cursor.execute("ANALYZE posts")


@contextmanager
def posts_locked(settings: Settings) -> Iterator[None]:
    """Lock the table `posts`, so that statements that read it wait."""
    with closing(connect(settings)) as connection, connection.cursor() as cursor:
        cursor.execute("BEGIN; LOCK TABLE posts IN ACCESS EXCLUSIVE MODE")
        yield


# Media types and documents


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ([], "application/json"),
        (["*/*"], "application/json"),
        (["application/msgpack"], "application/msgpack"),
        (["application/json;q=0.5", "application/msgpack"], "application/msgpack"),
    ],
)
async def test_the_negotiated_media_type_is_sent(
    client_of: ClientOf, accept: list[str], content_type: str
) -> None:
    client = await client_of(TECHNIQUE.name)
    headers = [("Accept", line) for line in accept]
    # Otherwise aiohttp's client would add an Accept header.
    response = await client.get(OPTIMIZED, headers=headers, skip_auto_headers=["Accept"])
    assert response.status == 200
    assert response.content_type == content_type
    assert response.headers["Vary"] == "Accept"


@pytest.mark.parametrize("path", [OPTIMIZED, EXPORT])
async def test_a_406_lists_the_offered_media_types(client_of: ClientOf, path: str) -> None:
    client = await client_of(TECHNIQUE.name)
    offered = {
        OPTIMIZED: ["application/json", "application/msgpack"],
        EXPORT: ["application/x-ndjson"],
    }
    response = await client.get(path, headers={"Accept": "text/html"})
    problem = await response.json(content_type="application/problem+json")
    assert response.status == problem["status"] == 406
    assert response.headers["Vary"] == "Accept"
    assert problem["offered"] == offered[path]


@pytest.mark.parametrize("rows", [0, 1, 1000, 1001, 10_000])
async def test_every_variant_and_messagepack_send_the_same_document(
    client_of: ClientOf, many_posts: Settings, rows: int
) -> None:
    client = await client_of(TECHNIQUE.name, database_name=many_posts.database_name)
    answers = []
    for variant in TECHNIQUE.variant_names():
        response = await client.get(TECHNIQUE.path(variant), params={"rows": rows})
        answers.append(orjson.loads(await response.read()))
    headers = {"Accept": "application/msgpack"}
    response = await client.get(OPTIMIZED, params={"rows": rows}, headers=headers)
    answers.append(msgspec.msgpack.decode(await response.read()))
    assert answers[0]["count"] == len(answers[0]["rows"]) == rows
    # Compared as text: with ==, 1 would equal 1.0 and True.
    assert len({orjson.dumps(each, option=orjson.OPT_SORT_KEYS) for each in answers}) == 1


async def test_encoding_is_timed_by_encoder(client_of: ClientOf) -> None:
    client = await client_of(TECHNIQUE.name)
    for variant in TECHNIQUE.variant_names():
        await client.get(TECHNIQUE.path(variant))
    await client.get(OPTIMIZED, headers={"Accept": "application/msgpack"})
    counted = await samples(client)
    encoders = ["json", "orjson", "msgspec", "ujson", "rapidjson", "fragments", "msgpack"]
    # Encoding in the database is part of its statement, so `postgres` has no count here.
    assert {
        name: value for name, value in counted.items() if "encode_duration_seconds_c" in name
    } == {
        f'json_encode_duration_seconds_count{{encoder="{each}",technique="{TECHNIQUE.name}"}}': 1
        for each in encoders
    }


async def test_objects_from_the_start_are_excluded_from_garbage_collection(
    client_of: ClientOf,
) -> None:
    client = await client_of(TECHNIQUE.name)
    assert gc.get_freeze_count() > 10_000
    await client.close()
    assert gc.get_freeze_count() == 0


# PostgreSQL is down


@pytest.mark.parametrize(
    ("fault", "status", "retry_after"), [(Fault.CUT, 503, "1"), (Fault.SILENT, 504, None)]
)
async def test_only_routes_that_read_the_database_fail_while_it_is_down(
    client_of: ClientOf, settings: Settings, fault: Fault, status: int, retry_after: str | None
) -> None:
    proxy = FaultyProxy(settings.database_port)
    await proxy.start()
    client = await client_of(TECHNIQUE.name, database_port=proxy.port, pool_timeout=1)
    reading = {"postgres", "export"}
    names = (*TECHNIQUE.variant_names(), "export")
    paths = [*map(TECHNIQUE.path, names), "/healthz", "/readyz"]
    try:
        proxy.inject(fault)
        *responses, alive, ready = await asyncio.gather(*map(client.get, paths))
        for name, response in zip(names, responses, strict=True):
            assert response.status == (status if name in reading else 200), name
            assert response.headers.get("Retry-After") == (retry_after if name in reading else None)
        assert alive.status == 200
        assert (ready.status, ready.headers["Retry-After"]) == (503, "1")
        counted = await samples(client)
        for variant in reading:
            name = (
                'http_server_request_duration_seconds_count{http_request_method="GET",'
                f'http_response_status_code="{status}",technique="{TECHNIQUE.name}",'
                f'variant="{variant}"}}'
            )
            assert counted[name] == 1
        proxy.inject(Fault.NONE)
        for variant in reading:
            assert (await client.get(TECHNIQUE.path(variant))).status == 200
    finally:
        await client.close()
        await proxy.close()


# The export


@dataclass(frozen=True)
class WholeExport:
    """All posts as the service exported them, and the growth of its memory meanwhile."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    memory_growth: int


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def exporter(
    many_posts: Settings, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[str, Process]]:
    async with serving(many_posts, tmp_path_factory.mktemp("exporter")) as address_and_process:
        yield address_and_process


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def whole_export(exporter: tuple[str, Process]) -> WholeExport:
    address, process = exporter
    async with aiohttp.ClientSession(address) as http:
        async with http.get(EXPORT, params={"rows": 1000}) as response:
            await response.read()
        memory = psutil.Process(process.pid).memory_info
        before = maximum = memory().rss
        body = bytearray()
        async with http.get(EXPORT) as response:
            async for chunk in response.content.iter_any():
                body += chunk
                maximum = max(maximum, memory().rss)
    return WholeExport(response.status, response.headers, bytes(body), maximum - before)


def test_the_export_sends_every_post_newest_first(whole_export: WholeExport) -> None:
    assert whole_export.status == 200
    assert whole_export.headers["Content-Type"] == "application/x-ndjson"
    assert whole_export.headers["X-Request-ID"]
    posts = [orjson.loads(line) for line in whole_export.body.splitlines()]
    assert len({post["id"] for post in posts}) == MANY
    positions = [(datetime.fromisoformat(post["created_at"]), post["id"]) for post in posts]
    assert positions == sorted(positions, reverse=True)


async def test_the_export_sends_the_posts_of_the_other_variants(client_of: ClientOf) -> None:
    client = await client_of(TECHNIQUE.name)
    lines = (await (await client.get(EXPORT, params={"rows": 450})).read()).splitlines()
    posts = [orjson.loads(line) for line in lines]
    naive = await (await client.get(TECHNIQUE.path("naive"), params={"rows": 450})).json()
    assert [{**post, "body": post["body"][:200]} for post in posts] == naive["rows"]


@pytest.mark.parametrize(
    ("query", "parameter"), [("rows=-1", "rows"), ("rows=x", "rows"), ("row=1", "row")]
)
async def test_an_invalid_limit_of_the_export_is_refused(
    client_of: ClientOf, query: str, parameter: str
) -> None:
    client = await client_of(TECHNIQUE.name)
    response = await client.get(f"{EXPORT}?{query}")
    assert response.status == 400
    problem = await response.json(content_type="application/problem+json")
    assert problem["parameter"] == parameter


async def test_an_export_of_no_rows_and_a_head_request_have_no_body(client_of: ClientOf) -> None:
    client = await client_of(TECHNIQUE.name)
    for response in (await client.get(EXPORT, params={"rows": 0}), await client.head(EXPORT)):
        assert response.status == 200
        assert response.content_type == "application/x-ndjson"
        assert await response.read() == b""


def test_a_hundred_megabytes_are_exported_in_constant_memory(whole_export: WholeExport) -> None:
    assert whole_export.body.count(b"\n") == MANY
    assert len(whole_export.body) > 100 * MEGABYTE
    assert whole_export.memory_growth < 50 * MEGABYTE


async def test_a_client_that_stops_reading_pauses_the_statements_and_holds_no_connection(
    client_of: ClientOf, many_posts: Settings
) -> None:
    client = await client_of(TECHNIQUE.name, database_name=many_posts.database_name)
    # About 30 MB: far more than the buffers of both sockets hold.
    rows = 20_000
    response = await client.get(EXPORT, params={"rows": rows})
    read = 200 * await settled_statements(client)  # waits until no connection is in use
    assert read < rows / 2
    assert (await response.read()).count(b"\n") == rows


async def test_a_client_that_disconnects_ends_the_export(exporter: tuple[str, Process]) -> None:
    # In a separate process, so that its socket buffers fill up as with a client elsewhere.
    address, _ = exporter
    async with aiohttp.ClientSession(address) as client:
        before = await statements(client)
        response = await client.get(EXPORT)
        await response.content.readany()
        response.close()
        await until_idle(client)
        assert 200 * (await statements(client) - before) < MANY / 2
        counted = await samples(client)
    statuses = {name for name in counted if "code=" in name and 'variant="export"' in name}
    assert statuses
    # Either a write fails or the request is cancelled first; neither is an error.
    assert all('code="200"' in name or 'code="499"' in name for name in statuses)


async def test_the_deadline_ends_the_export_to_a_client_that_stops_reading(
    client_of: ClientOf, many_posts: Settings
) -> None:
    name = many_posts.database_name
    client = await client_of(TECHNIQUE.name, database_name=name, request_timeout=0.5)
    response = await client.get(EXPORT)
    await until_idle(client)
    with pytest.raises(aiohttp.ClientError):
        await response.read()


async def test_a_database_that_hangs_before_the_first_line_yields_504(
    client_of: ClientOf, many_posts: Settings
) -> None:
    name = many_posts.database_name
    client = await client_of(TECHNIQUE.name, database_name=name, statement_timeout=0.5)
    with posts_locked(many_posts):
        response = await client.get(EXPORT)
    assert response.status == 504
    assert response.content_type == "application/problem+json"


async def test_a_database_that_hangs_during_the_export_closes_the_connection(
    client_of: ClientOf, many_posts: Settings
) -> None:
    name = many_posts.database_name
    client = await client_of(TECHNIQUE.name, database_name=name, statement_timeout=0.5)
    response = await client.get(EXPORT)
    await settled_statements(client)
    with posts_locked(many_posts), pytest.raises(aiohttp.ClientError):
        await response.read()


@asynccontextmanager
async def serving(settings: Settings, folder: Path) -> AsyncIterator[tuple[str, Process]]:
    """Run the service in a separate process."""
    port = free_port()
    servers: dict[str, Any] = settings.model_dump(
        include={name for name in Settings.model_fields if name.startswith("database_")}
    )
    command = Command(
        name=TECHNIQUE.name,
        arguments=[sys.executable, "-m", "services", TECHNIQUE.name],
        environment={
            "PYTHONPATH": str(ROOT),
            **environment_of({**servers, "port": port, "startup_timeout": 5}),
        },
    )
    process = await Process.start(command, folder / "service.log")
    try:
        address = f"http://{HOST}:{port}"
        async with asyncio.timeout(20):
            await until_ready(service_is_ready(address))
        yield address, process
    finally:
        await process.stop()


_STATEMENTS = (
    f'db_client_operations_total{{outcome="ok",technique="{TECHNIQUE.name}",variant="export"}}'
)


async def statements(client: AnyClient) -> float:
    return (await samples(client)).get(_STATEMENTS, 0)


async def settled_statements(client: AnyClient) -> float:
    """Return the number of statements of the export after it has stopped rising.

    Settled is a number that is the same in 30 readings, with no connection in use in any of them:
    then no slow statement is running. Raises TimeoutError if that does not happen.
    """
    readings = [await _statements_and_used(client)]
    async with asyncio.timeout(20):
        while len(readings) < 30 or not _are_settled(readings[-30:]):
            readings.append(await _statements_and_used(client))
    return readings[-1][0]


def _are_settled(readings: list[tuple[float, float]]) -> bool:
    count, _ = readings[0]
    return count > 0 and set(readings) == {(count, 0.0)}


async def _statements_and_used(client: AnyClient) -> tuple[float, float]:
    used = f'db_client_connection_count{{state="used",technique="{TECHNIQUE.name}"}}'
    counted = await samples(client)
    return counted.get(_STATEMENTS, 0), counted[used]


async def until_idle(client: AnyClient) -> None:
    name = f'http_server_active_requests{{technique="{TECHNIQUE.name}"}}'
    async with asyncio.timeout(20):
        while (await samples(client))[name]:
            pass
