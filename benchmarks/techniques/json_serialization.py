"""Measures the speed that the card of JSON serialization promises: encoders and event loop stalls.

`claim` holds the form of a promise and the interleaved comparison.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from operator import itemgetter
from statistics import median
from time import perf_counter, thread_time
from typing import Any
from urllib.request import Request, urlopen

from aiohttp import web

from benchmarks.techniques.claim import Claim, Timed, ratio_of
from services.chassis.postgres import DATABASE, Database
from services.dataset.posts import Post, as_post
from services.json_serialization import document_encoders as encoders
from services.json_serialization.app import create
from services.json_serialization.database_encoding import DOCUMENT, PAGE
from services.json_serialization.document_encoders import NDJSON
from services.json_serialization.encoded_rows import EncodedRows
from services.json_serialization.kept_rows import EXCERPT_CHARACTERS, ROWS
from services.json_serialization.slices import JsonFormat, MsgpackFormat, encode_in_slices
from services.json_serialization.technique import MAXIMUM_ROWS, TECHNIQUE
from services.local.ports import HOST, free_port
from services.settings import Settings

PAIRS = 100
STATEMENT_PAIRS = 40
STALLS = 20
STALL_MILLISECONDS = 20
ROWS_OF_A_PAGE = 1000

Encode = Callable[[object], bytes]


async def claims(settings: Settings) -> AsyncIterator[Claim]:
    async with _service(settings) as (application, address):
        rows = application[ROWS][:ROWS_OF_A_PAGE]
        async for claim in _encoders(rows):
            yield claim
        async for claim in _stalls_of_the_service(address):
            yield claim
        async for claim in _stalls_of_the_core(rows):
            yield claim
        async for claim in _database(application[DATABASE]):
            yield claim


@asynccontextmanager
async def _service(settings: Settings) -> AsyncIterator[tuple[web.Application, str]]:
    """Start the service in this process, to watch its event loop, with the maximum of rows."""
    application = create(settings)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    rows = application[ROWS]
    rows.extend(rows * (MAXIMUM_ROWS // len(rows) - 1))
    port = free_port()
    await web.TCPSite(runner, HOST, port).start()
    try:
        yield application, f"http://{HOST}:{port}"
    finally:
        await runner.cleanup()


# The encoders alone


async def _encoders(rows: list[Post]) -> AsyncIterator[Claim]:
    document = {"count": len(rows), "rows": rows}
    encoded_rows = EncodedRows[Post](itemgetter("id"), MAXIMUM_ROWS)

    def join(document: Any) -> bytes:
        fragments = encoded_rows.encode(document["rows"])
        return encoders.encode_with_orjson({"count": len(fragments), "rows": fragments})

    orjson = _encoding(encoders.encode_with_orjson, document)
    json = _encoding(encoders.encode_with_json, document)
    ratio = await ratio_of(json, orjson, PAIRS)
    evidence = f"{len(rows)} rows, median of {PAIRS} interleaved pairs"
    yield Claim("json: time relative to orjson", ratio, "at least", 8, "×", evidence)
    slow = [
        ("ujson", encoders.encode_with_ujson, 4),
        ("rapidjson", encoders.encode_with_rapidjson, 3),
    ]
    for name, encode_with, least in slow:
        ratio = await ratio_of(_encoding(encode_with, document), orjson, PAIRS)
        yield Claim(f"{name}: time relative to orjson", ratio, "at least", least, "×", evidence)
    fast = [
        ("msgspec", encoders.encode_with_msgspec, 1.5),
        ("MessagePack with datetimes as text", encoders.encode_as_msgpack, 5),
        ("joining encoded rows", join, 0.6),
    ]
    for name, encode_with, most in fast:
        ratio = await ratio_of(_encoding(encode_with, document), orjson, PAIRS)
        yield Claim(f"{name}: time relative to orjson", ratio, "at most", most, "×", evidence)


def _encoding(encode_with: Encode, document: object) -> Timed:
    async def timed() -> None:
        encode_with(document)

    return timed


# The event loop. A turn is measured in CPU seconds of its thread: elapsed time would include what
# the machine gives to other processes.


async def _longest_turn(work: Callable[[], Awaitable[object]]) -> float:
    """Return the longest turn of the event loop during the work, in milliseconds of CPU."""
    longest = 0.0

    async def turns() -> None:
        nonlocal longest
        last = thread_time()
        while True:
            await asyncio.sleep(0)
            now = thread_time()
            longest, last = max(longest, now - last), now

    watching = asyncio.create_task(turns())
    await asyncio.sleep(0)
    await work()
    await asyncio.sleep(0)
    watching.cancel()
    return longest * 1e3


async def _longest_turns(work: Callable[[], Awaitable[object]]) -> list[float]:
    return [await _longest_turn(work) for _ in range(STALLS)]


async def _stalls_of_the_service(address: str) -> AsyncIterator[Claim]:
    evidence = f"{MAXIMUM_ROWS} rows over HTTP, worst of {STALLS} responses"
    json = max(await _turns_during_requests(address, "optimized", JsonFormat.media_type))
    yield _turn_claim("JSON", json, evidence)
    msgpack = max(await _turns_during_requests(address, "optimized", MsgpackFormat.media_type))
    yield _turn_claim("MessagePack", msgpack, evidence)
    ndjson = max(await _turns_during_requests(address, "export", NDJSON))
    yield _turn_claim("NDJSON", ndjson, evidence)
    naive = min(await _turns_during_requests(address, "naive", JsonFormat.media_type))
    promise = "naive: the longest turn of the event loop, relative to optimized JSON"
    evidence = f"{naive:.3g} ms, best of {STALLS} responses"
    yield Claim(promise, naive / json, "at least", 4, "×", evidence)


def _turn_claim(subject: str, milliseconds: float, evidence: str) -> Claim:
    promise = f"{subject}: the longest turn of the event loop"
    return Claim(promise, milliseconds, "at most", STALL_MILLISECONDS, "ms", evidence)


async def _turns_during_requests(address: str, variant: str, media_type: str) -> list[float]:
    """Return the longest turn during each of many requests.

    The client runs in another thread, so its CPU is not part of a turn of the event loop.
    """
    url = f"{address}{TECHNIQUE.path(variant)}?rows={MAXIMUM_ROWS}"
    request = Request(url, headers={"Accept": media_type})  # noqa: S310 - the service's own address

    def send() -> None:
        with urlopen(request, timeout=10) as response:  # noqa: S310 - the same
            response.read()

    return await _longest_turns(lambda: asyncio.to_thread(send))


async def _stalls_of_the_core(rows: list[Post]) -> AsyncIterator[Claim]:
    many = rows * (100_000 // len(rows))
    whole = _encoding(encoders.encode_with_orjson, {"count": len(many), "rows": many})
    unsliced = median(await _longest_turns(whole))
    in_slices = median(await _longest_turns(lambda: encode_in_slices(many, JsonFormat())))
    evidence = f"{len(many)} rows by orjson, {unsliced:.3g} ms unsliced, median of {STALLS}"
    yield _turn_claim("the core alone", in_slices, evidence)
    share = median([await _share_held_in_thread(many) for _ in range(STALLS)])
    evidence = f"{len(many)} rows by orjson in a thread, median of {STALLS}"
    promise = "orjson in a thread stalls the event loop for a share of its time"
    yield Claim(promise, share, "at least", 0.8, "of it", evidence)


async def _share_held_in_thread(rows: list[Post]) -> float:
    longest = seconds = 0.0

    def encode_all() -> None:
        nonlocal seconds
        started = perf_counter()
        encoders.encode_with_orjson(rows)
        seconds = perf_counter() - started

    encoding = asyncio.create_task(asyncio.to_thread(encode_all))
    last = perf_counter()
    while not encoding.done():
        await asyncio.sleep(0)
        now = perf_counter()
        longest, last = max(longest, now - last), now
    return min(longest, seconds) / seconds


# JSON made by the database, compared with the same rows read and encoded in the service

_ROWS_STATEMENT = f"""
    SELECT id, title, body, created_at, author_id, author_name, tags FROM ({PAGE}) AS page
"""  # noqa: S608 - a constant
_PARAMETERS = (EXCERPT_CHARACTERS, ROWS_OF_A_PAGE)


async def _database(database: Database) -> AsyncIterator[Claim]:
    async def encode_in_database() -> None:
        ((text,),) = await database.fetch(DOCUMENT, _PARAMETERS)
        text.encode()

    async def encode_in_service() -> None:
        posts = [as_post(row) for row in await database.fetch(_ROWS_STATEMENT, _PARAMETERS)]
        encoders.encode_with_orjson({"count": len(posts), "rows": posts})

    evidence = f"{ROWS_OF_A_PAGE} rows read for each, median of {STATEMENT_PAIRS} interleaved pairs"
    comparison = "JSON made by PostgreSQL, relative to rows read and encoded by orjson"
    ratio = await ratio_of(encode_in_database, encode_in_service, STATEMENT_PAIRS)
    yield Claim(f"{comparison}: time", ratio, "at most", 2, "×", evidence)
    ratio = await _ratio_of(
        partial(_service_seconds, encode_in_database), partial(_service_seconds, encode_in_service)
    )
    yield Claim(f"{comparison}: CPU of the service", ratio, "at most", 0.5, "×", evidence)
    explain = partial(_server_milliseconds, database)
    ratio = await _ratio_of(partial(explain, DOCUMENT), partial(explain, _ROWS_STATEMENT))
    yield Claim(f"{comparison}: time in the server", ratio, "at most", 3, "×", evidence)


async def _ratio_of(
    first: Callable[[], Awaitable[float]], second: Callable[[], Awaitable[float]]
) -> float:
    return median([await first() / await second() for _ in range(STATEMENT_PAIRS)])


async def _service_seconds(work: Timed) -> float:
    started = thread_time()
    await work()
    return thread_time() - started


async def _server_milliseconds(database: Database, statement: str) -> float:
    """Return the time to read the rows and make the text, without the time to send it."""
    explain = f"EXPLAIN (ANALYZE, TIMING OFF, SERIALIZE, FORMAT JSON) {statement}"
    (((plan,),),) = await database.fetch(explain, _PARAMETERS)
    milliseconds: float = plan["Execution Time"]
    return milliseconds
