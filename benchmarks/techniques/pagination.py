"""Claims about pagination: with keyset, a page costs the same wherever it lies.

The benchmark requests the first and the last page of a million posts by turns, over HTTP.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from functools import partial
from statistics import median

import orjson
from aiohttp import web
from pydantic import SecretStr

from benchmarks.techniques.claim import Claim, seconds_of
from loadgen.sending.connection import Address, Connection, encode_request
from services.dataset.bulk_load import connect, load
from services.pagination.app import create
from services.settings import Settings

_DATABASE = "pagination"
_ROWS = 1_000_000
_LIMIT = 20
_LAST = _ROWS // _LIMIT
#: Requests per page, by variant. Naive reads all million rows for each.
_ROUNDS = {"optimized": 1000, "offset": 15, "naive": 3}
#: Seconds for one request of naive.
_TIMEOUT = 120.0

#: Adds posts of 200 bytes to the small data set. Every third shares its moment with another post.
_FILL = f"""
    INSERT INTO posts (author_id, title, body, created_at)
    SELECT 1 + number % 200, 'Post ' || md5(number::text), repeat('text ', 40),
           timestamptz '2026-01-01' + number * 2 / 3 * interval '1 second'
    FROM generate_series((SELECT count(*) + 1 FROM posts), {_ROWS}) AS number
"""  # noqa: S608 - of constants alone


async def claims(settings: Settings) -> AsyncIterator[Claim]:
    million = settings.model_copy(
        update={
            "database_name": _DATABASE,
            "cursor_secret": SecretStr("benchmark"),
            "statement_timeout": _TIMEOUT,
            "request_timeout": _TIMEOUT,
            "slow_request": _TIMEOUT,
        }
    )
    await asyncio.to_thread(_fill, settings, million)
    try:
        async with _served(million) as address:
            times = {variant: await _p50(address, variant) for variant in _ROUNDS}
    finally:
        await asyncio.to_thread(_drop, settings)
    first, last = times["optimized"]
    yield Claim(
        f"keyset, page {_LAST:,} to page 1 of {_ROWS:,} rows, p50",
        last / first,
        "at most",
        1.2,
        "times",
        _evidence("optimized", times),
    )
    for variant, bound in (("offset", 20), ("naive", 100)):
        yield Claim(
            f"{variant} to keyset, page {_LAST:,}, p50",
            times[variant][1] / last,
            "at least",
            bound,
            "times",
            _evidence(variant, times),
        )


def _evidence(variant: str, times: dict[str, tuple[float, float]]) -> str:
    first, last = (1000 * seconds for seconds in times[variant])
    return f"{last:.3g} ms to {first:.3g} ms on page 1, {_ROUNDS[variant]} times each, by turns"


def _fill(settings: Settings, million: Settings) -> None:
    _drop(settings)
    with closing(connect(settings)) as connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {_DATABASE}")
    load(million)
    with closing(connect(million)) as connection, connection.cursor() as cursor:
        cursor.execute(_FILL)
        cursor.execute("VACUUM (ANALYZE) posts")


def _drop(settings: Settings) -> None:
    with closing(connect(settings)) as connection, connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {_DATABASE} WITH (FORCE)")


@asynccontextmanager
async def _served(settings: Settings) -> AsyncIterator[Address]:
    runner = web.AppRunner(create(settings), access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        yield Address(host, port)
    finally:
        await runner.cleanup()


async def _p50(address: Address, variant: str) -> tuple[float, float]:
    """Seconds for the first page, and for the last page when a link `next` leads to it."""
    path = f"/pagination/{variant}"
    connection = Connection(address, _TIMEOUT, keep_body=True)

    async def get(reference: str) -> None:
        response = await connection.request(encode_request(address, path + reference, {}))
        assert response.status == 200, response.body  # noqa: S101 - a failure must not count as fast

    last_reference = await _last_reference(connection, address)
    pages = {reference: list[float]() for reference in ("", last_reference)}
    for _ in range(_ROUNDS[variant]):
        for reference, seconds in pages.items():
            seconds.append(await seconds_of(partial(get, reference)))
    connection.close()
    first, last = (median(seconds) for seconds in pages.values())
    return first, last


async def _last_reference(connection: Connection, address: Address) -> str:
    reference = "?total=exact"
    for relation in ("last", "prev", "next"):
        target = f"/pagination/optimized{reference}"
        response = await connection.request(encode_request(address, target, {}))
        reference = orjson.loads(response.body)["links"][relation]
    return reference.replace("&total=exact", "")
