"""Measures how long each variant takes for lists of several lengths, over HTTP.

A separate database holds the medium data set, like the lab's, and the small data set stays
untouched. The size of the tables matters: the planner reads a table of a few pages completely,
which favours or penalizes joins.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, closing
from functools import partial
from pathlib import Path
from random import Random
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from benchmarks.techniques.claim import Claim, seconds_of
from loadgen.sending.connection import Address, Connection, encode_request
from services.avoiding_n_plus_one.query_budget import CountedSession, QueryBudget
from services.avoiding_n_plus_one.technique import TECHNIQUE
from services.dataset.bulk_load import connect, load
from services.local.ports import HOST, free_port
from services.local.process import Command
from services.local.server_probe import service_is_ready
from services.local.supervisor import Supervisor
from services.settings import Settings, environment_of

#: Rounds by number of posts. Each round sends one request to every variant.
ROUNDS = {1: 400, 10: 250, 50: 150, 200: 50}
POSTS = 50
PROMISED_SPEEDUP = 3.0
#: Least time that another variant may take, as a share of the time of `optimized`.
PROMISED_SHARE = 0.95
PROMISED_COUNTING_MICROSECONDS = 2.0

_DATABASE = "medium"
_WARM_UP = 20
_VARIANTS = TECHNIQUE.variant_names()

#: Sends a request: variant, number of posts, first post.
SendRequest = Callable[[str, int, int], Awaitable[object]]


async def claims(settings: Settings) -> AsyncIterator[Claim]:
    medium = await asyncio.to_thread(_load_medium_data, settings)
    async with _service(medium) as send:
        shares = {posts: await _shares(send, posts, rounds) for posts, rounds in ROUNDS.items()}
    yield Claim(
        f"naive takes longer than optimized for {POSTS} posts",
        shares[POSTS]["naive"],
        "at least",
        PROMISED_SPEEDUP,
        "times as long",
        _evidence(shares, "naive"),
    )
    for variant in _VARIANTS[2:]:
        yield Claim(
            f"{variant} is not faster than optimized for {POSTS} posts",
            shares[POSTS][variant],
            "at least",
            PROMISED_SHARE,
            "times as long",
            _evidence(shares, variant),
        )
    yield Claim(
        "counting a statement against the budget takes little time",
        await _counting_microseconds(),
        "at most",
        PROMISED_COUNTING_MICROSECONDS,
        "µs",
        "median of 21 runs of 10,000",
    )


def _evidence(shares: dict[int, dict[str, float]], variant: str) -> str:
    each = ", ".join(f"{shares[posts][variant]:.2f} for {posts}" for posts in shares)
    return f"medians of the ratio within a round: {each}"


def _load_medium_data(settings: Settings) -> Settings:
    """Loads the data if they are missing, and returns settings that lead to them."""
    with closing(connect(settings)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT FROM pg_database WHERE datname = %s", (_DATABASE,))
        if cursor.fetchone() is None:
            cursor.execute(f"CREATE DATABASE {_DATABASE}")
    changes = {"database_name": _DATABASE, "dataset_size": "medium"}
    medium = settings.model_copy(update=changes)
    load(medium)
    return medium


@asynccontextmanager
async def _service(settings: Settings) -> AsyncIterator[SendRequest]:
    """Runs the service in another process and sends requests over one HTTP connection."""
    address = Address(HOST, free_port())
    own_settings = settings.model_copy(update={"port": address.port})
    command = Command(
        name=TECHNIQUE.name,
        arguments=[sys.executable, "-m", "services", TECHNIQUE.name],
        environment=environment_of(
            own_settings.model_dump(exclude_unset=True) | {"port": address.port}
        ),
    )
    connection = Connection(address, timeout=30)

    async def send(variant: str, posts: int, start: int) -> object:
        target = f"{TECHNIQUE.path(variant)}?posts={posts}&start={start}"
        response = await connection.request(encode_request(address, target, {}))
        assert response.status == 200, target  # noqa: S101 - an error would count as a fast answer
        return response

    with TemporaryDirectory() as logs:
        async with Supervisor(Path(logs)) as supervisor:
            await supervisor.start(command, service_is_ready(str(address)))
            yield send
            connection.close()


async def _shares(send: SendRequest, posts: int, rounds: int) -> dict[str, float]:
    """Each variant's time as a multiple of that of `optimized`, the median over the rounds."""
    random = Random(posts)
    ratios: dict[str, list[float]] = {variant: [] for variant in _VARIANTS}
    for number in range(-_WARM_UP, rounds):
        seconds = await _round(send, posts, random)
        if number >= 0:
            for variant in _VARIANTS:
                ratios[variant].append(seconds[variant] / seconds["optimized"])
    return {variant: median(each) for variant, each in ratios.items()}


async def _round(send: SendRequest, posts: int, random: Random) -> dict[str, float]:
    start = random.randint(1, 900)
    order = random.sample(_VARIANTS, len(_VARIANTS))
    return {variant: await seconds_of(partial(send, variant, posts, start)) for variant in order}


class _EmptySession:
    """A session that sends nothing and returns no rows."""

    async def fetch(self, statement: str, parameters: Sequence[object] = ()) -> list[Any]:
        return []


async def _counting_microseconds(runs: int = 21, statements: int = 10_000) -> float:
    plain = _EmptySession()
    counted = CountedSession(plain, QueryBudget(statements))

    async def seconds(session: _EmptySession | CountedSession) -> float:
        started = perf_counter()
        for _ in range(statements):
            await session.fetch("SELECT 1")
        return perf_counter() - started

    differences = [await seconds(counted) - await seconds(plain) for _ in range(runs)]
    return median(differences) / statements * 1e6
