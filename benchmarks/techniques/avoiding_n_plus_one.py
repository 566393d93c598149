"""How long lists take by each variant, over HTTP, the variants in turn.

With the medium data set, as the lab itself: in a database of its own, so that the small one stays.
The size decides: where a table fits on a few pages the planner reads all of it, and one that joins
looks good or bad for that alone.
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

#: How many posts, and how many rounds: in each of them every variant is asked once.
ROUNDS = {1: 400, 10: 250, 50: 150, 200: 50}
POSTS = 50
PROMISED_SPEEDUP = 3.0
#: None of the others is to be faster than this share of what `optimized` takes.
PROMISED_SHARE = 0.95
PROMISED_COUNTING_MICROSECONDS = 2.0

_DATABASE = "medium"
_WARM_UP = 20
_VARIANTS = TECHNIQUE.variant_names()

#: Asks a variant for so many posts from that one on.
Ask = Callable[[str, int, int], Awaitable[object]]


async def claims(settings: Settings) -> AsyncIterator[Claim]:
    medium = await asyncio.to_thread(_with_medium_data, settings)
    async with _service(medium) as ask:
        shares = {posts: await _shares(ask, posts, rounds) for posts, rounds in ROUNDS.items()}
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
        "counting a statement against the budget costs next to nothing",
        await _counting_microseconds(),
        "at most",
        PROMISED_COUNTING_MICROSECONDS,
        "µs",
        "median of 21 runs of 10,000",
    )


def _evidence(shares: dict[int, dict[str, float]], variant: str) -> str:
    each = ", ".join(f"{shares[posts][variant]:.2f} for {posts}" for posts in shares)
    return f"medians of the ratio within a round: {each}"


def _with_medium_data(settings: Settings) -> Settings:
    with closing(connect(settings)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT FROM pg_database WHERE datname = %s", (_DATABASE,))
        if cursor.fetchone() is None:
            cursor.execute(f"CREATE DATABASE {_DATABASE}")
    changes = {"database_name": _DATABASE, "dataset_size": "medium"}
    medium = settings.model_copy(update=changes)
    load(medium)
    return medium


@asynccontextmanager
async def _service(settings: Settings) -> AsyncIterator[Ask]:
    """The technique's service as a process of its own, over one connection."""
    address = Address(HOST, free_port())
    given = settings.model_copy(update={"port": address.port})
    command = Command(
        name=TECHNIQUE.name,
        arguments=[sys.executable, "-m", "services", TECHNIQUE.name],
        environment=environment_of(given.model_dump(exclude_unset=True) | {"port": address.port}),
    )
    connection = Connection(address, timeout=30)

    async def ask(variant: str, posts: int, start: int) -> object:
        target = f"{TECHNIQUE.path(variant)}?posts={posts}&start={start}"
        response = await connection.request(encode_request(address, target, {}))
        assert response.status == 200, target  # noqa: S101 - a problem is answered faster
        return response

    with TemporaryDirectory() as logs:
        async with Supervisor(Path(logs)) as supervisor:
            await supervisor.start(command, service_is_ready(str(address)))
            yield ask
            connection.close()


async def _shares(ask: Ask, posts: int, rounds: int) -> dict[str, float]:
    """By variant, how many times as long as `optimized` it takes: the median over the rounds."""
    random = Random(posts)
    ratios: dict[str, list[float]] = {variant: [] for variant in _VARIANTS}
    for number in range(-_WARM_UP, rounds):
        seconds = await _round(ask, posts, random)
        if number >= 0:
            for variant in _VARIANTS:
                ratios[variant].append(seconds[variant] / seconds["optimized"])
    return {variant: median(each) for variant, each in ratios.items()}


async def _round(ask: Ask, posts: int, random: Random) -> dict[str, float]:
    start = random.randint(1, 900)
    order = random.sample(_VARIANTS, len(_VARIANTS))
    return {variant: await seconds_of(partial(ask, variant, posts, start)) for variant in order}


class _Silent:
    """A session that sends nothing."""

    async def fetch(self, statement: str, parameters: Sequence[object] = ()) -> list[Any]:
        return []


async def _counting_microseconds(runs: int = 21, statements: int = 10_000) -> float:
    plain = _Silent()
    counted = CountedSession(plain, QueryBudget(statements))

    async def seconds(session: _Silent | CountedSession) -> float:
        started = perf_counter()
        for _ in range(statements):
            await session.fetch("SELECT 1")
        return perf_counter() - started

    differences = [await seconds(counted) - await seconds(plain) for _ in range(runs)]
    return median(differences) / statements * 1e6
