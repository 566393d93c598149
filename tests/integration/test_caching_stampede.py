"""A thousand readers in two processes miss the same page at once: one load serves them all."""

import asyncio
import resource
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from services.chassis.redis_client import connect
from services.local.ports import HOST, free_port
from services.local.process import Command, Process
from services.local.server_probe import service_is_ready
from services.local.server_probe import wait_until as until_it_answers
from services.settings import Settings, environment_of
from tests.conftest import samples

READERS = 500
PROCESSES = 2
PAGE = 77
#: Longer than the test, so that no timeout ends a wait for the load that the test delays.
SECONDS = 100
SERVERS = {name for name in Settings.model_fields if name.startswith(("database_", "redis_"))} - {
    "redis_timeout"
}


@asynccontextmanager
async def running_service(settings: Settings, folder: Path) -> AsyncIterator[str]:
    port = free_port()
    values = settings.model_dump(include=SERVERS) | {"port": port, "redis_timeout": 1}
    values |= dict.fromkeys(("cache_lease", "pool_timeout", "statement_timeout"), SECONDS)
    command = Command(
        "caching", [sys.executable, "-m", "services", "caching"], environment_of(values)
    )
    process = await Process.start(command, folder / f"{port}.log")
    try:
        address = f"http://{HOST}:{port}"
        async with asyncio.timeout(60):
            await until_it_answers(service_is_ready(address))
        yield address
    finally:
        await process.stop()


async def counted(address: str, name: str) -> float:
    """The sum of the metric's samples over all labels."""
    async with aiohttp.ClientSession(address) as session:
        found = await samples(session)
    return sum(value for sample, value in found.items() if sample.startswith(name + "{"))


async def has_all_readers(address: str) -> bool:
    return await counted(address, "http_server_active_requests") == READERS


@pytest.fixture
def enough_descriptors() -> Iterator[None]:
    """Raise the limit of open files, often 1,024, to allow a socket for each reader."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = max(soft, 2 * READERS * PROCESSES)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture
async def empty_cache(settings: Settings) -> None:
    redis = connect(settings)
    await redis.flushall()
    await redis.aclose()


async def test_a_thousand_readers_in_two_processes_share_one_load(
    settings: Settings,
    tmp_path: Path,
    empty_cache: None,
    enough_descriptors: None,
    execute: Callable[..., list[tuple[Any, ...]]],
) -> None:
    async with AsyncExitStack() as stack:
        starting = (
            stack.enter_async_context(running_service(settings, tmp_path)) for _ in range(PROCESSES)
        )
        addresses = [await each for each in starting]
        connector = aiohttp.TCPConnector(limit=0)
        session = await stack.enter_async_context(aiohttp.ClientSession(connector=connector))

        async def read(address: str) -> tuple[int, bytes]:
            url = f"{address}/caching/optimized?id={PAGE}"
            async with session.get(url) as response:
                return response.status, await response.read()

        execute("BEGIN")
        execute("LOCK TABLE posts")  # delays the load until all readers have arrived
        readers = [asyncio.create_task(read(each)) for each in addresses for _ in range(READERS)]
        async with asyncio.timeout(60):
            for address in addresses:
                await until_it_answers(partial(has_all_readers, address))
        execute("COMMIT")
        answers = await asyncio.gather(*readers)
        loads = sum([await counted(each, "cache_loads_total") for each in addresses])
    assert loads == 1
    assert len(answers) == READERS * PROCESSES
    assert len(set(answers)) == 1
    assert answers[0][0] == 200
