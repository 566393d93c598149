"""Measures the speed that the card of compression promises: slow links and event loop stalls.

Service and load generator share one event loop. Over a slow link that loop is idle nearly always.
The second promise is about stalls of that loop by encoding.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import product
from random import Random
from statistics import median
from time import perf_counter

from aiohttp import web

from benchmarks.techniques.claim import Claim
from loadgen.experiment.plan import interleaved
from loadgen.sending.attack import Attack, ClosedLoop
from loadgen.sending.connection import Address, Connection, RequestFailed, Response, encode_request
from loadgen.sending.network_link import NetworkLink
from services.compression.app import create
from services.compression.technique import TECHNIQUE
from services.settings import Settings

_ATTACK = Attack(ClosedLoop(4), duration=2, link=NetworkLink.parse("10mbit"))
_PAIRS = 8
_PLAIN_BYTES = 100_000
_RESPONSES = 9
_LARGEST = TECHNIQUE.swept()["posts"].maximum
#: The default level of each coding, and the highest level that a request can ask for.
_LEVELS = (0, TECHNIQUE.swept()["level"].maximum)


async def claims(settings: Settings) -> AsyncIterator[Claim]:
    async with _running(settings) as address:
        yield await _over_a_slow_link(address)
        yield await _stalls_by_the_largest_body(address)


@asynccontextmanager
async def _running(settings: Settings) -> AsyncIterator[Address]:
    runner = web.AppRunner(create(settings), access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield Address("127.0.0.1", runner.addresses[0][1])
    finally:
        await runner.cleanup()


async def _over_a_slow_link(address: Address) -> Claim:
    posts, size = await _posts_of(address, _PLAIN_BYTES)
    requests = {
        variant: [_request(address, variant, posts=posts)] for variant in ("naive", "optimized")
    }
    seconds: dict[tuple[int, str], float] = {}
    for block in interleaved(tuple(requests), _PAIRS, Random(1)):
        tally = await _ATTACK.run(address, requests[block.arm])
        if tally.errors:
            raise RequestFailed(tally.first_error)
        seconds[block.pair, block.arm] = tally.latencies.quantile(0.5)
    ratio = median(seconds[pair, "naive"] / seconds[pair, "optimized"] for pair in range(_PAIRS))
    encoded = (await _response(address, requests["optimized"][0])).size
    evidence = (
        f"{posts} posts, {size:,} bytes, sent as {encoded:,}; 4 clients, {_PAIRS} pairs of blocks"
    )
    return Claim("p50 at 10 Mbit/s, naive over optimized", ratio, "at least", 3, "×", evidence)


async def _posts_of(address: Address, size: int) -> tuple[int, int]:
    """Return the number of posts whose unencoded body is nearest to the size, and its size."""
    low, high = 1, _LARGEST
    while low < high:
        middle = (low + high) // 2
        if await _plain_size(address, middle) < size:
            low = middle + 1
        else:
            high = middle
    sizes = {posts: await _plain_size(address, posts) for posts in (max(1, low - 1), low)}
    nearest = min(sizes, key=lambda posts: abs(sizes[posts] - size))
    return nearest, sizes[nearest]


async def _plain_size(address: Address, posts: int) -> int:
    return (await _response(address, _request(address, "naive", posts=posts))).size


async def _stalls_by_the_largest_body(address: Address) -> Claim:
    """Measure the longest stall of the event loop while the largest body is encoded."""
    stalls: dict[str, float] = {}
    for coding, level in product(("zstd", "br", "gzip", "deflate"), _LEVELS):
        request = _request(address, "optimized", coding, posts=_LARGEST, level=level)
        longest = [await _longest_stall(address, request) for _ in range(_RESPONSES)]
        stalls[f"{coding} at level {level or 'default'}"] = median(longest)
    worst = max(stalls, key=lambda way: stalls[way])
    size = await _plain_size(address, _LARGEST)
    evidence = f"{size:,} bytes; longest with {worst}, median of {_RESPONSES} responses each"
    promise = "the largest response stalls the event loop"
    return Claim(promise, stalls[worst] * 1e3, "at most", 20, "ms", evidence)


async def _longest_stall(address: Address, request: bytes) -> float:
    responding = asyncio.create_task(_response(address, request))
    longest, last = 0.0, perf_counter()
    while not responding.done():
        await asyncio.sleep(0)
        now = perf_counter()
        longest, last = max(longest, now - last), now
    await responding
    return longest


async def _response(address: Address, request: bytes) -> Response:
    connection = Connection(address, timeout=30)
    try:
        response = await connection.request(request)
    finally:
        connection.close()
    if response.status != 200:
        raise RequestFailed(f"status {response.status}")
    return response


def _request(address: Address, variant: str, accept: str = "", **query: int) -> bytes:
    target = TECHNIQUE.path(variant) + "?" + "&".join(f"{name}={query[name]}" for name in query)
    headers = {"Accept-Encoding": accept} if accept else dict(TECHNIQUE.workload.headers)
    return encode_request(address, target, headers)
