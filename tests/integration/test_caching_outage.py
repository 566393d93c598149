"""Redis dies or hangs under reads and writes: every request still succeeds."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from services.local.data_servers import valkey_command
from services.local.ports import free_port
from services.local.process import Process
from services.local.server_probe import valkey_answers
from services.local.server_probe import wait_until as until_it_answers
from tests.conftest import Client, ClientOf, samples, until

HITS = 'cache_requests_total{result="hit",technique="caching",variant="optimized"}'
STATE = 'cache_circuit_breaker_state{{state="{}",technique="caching"}}'


@asynccontextmanager
async def running_valkey(port: int, folder: Path) -> AsyncIterator[Process]:
    process = await Process.start(valkey_command(port, folder), folder / "valkey.log")
    try:
        await until_it_answers(valkey_answers(port))
        yield process
    finally:
        await process.stop()


class Load:
    """Readers and a writer that send requests until stopped, and count the statuses."""

    def __init__(self, client: Client) -> None:
        self.statuses: Counter[int] = Counter()
        self._client = client
        self._stopped = asyncio.Event()

    async def run(self) -> None:
        await asyncio.gather(*(self._read(number) for number in range(1, 6)), self._write())

    def stop(self) -> None:
        self._stopped.set()

    async def wait_for_responses(self, number: int) -> None:
        """Return after so many further responses."""
        enough = self.statuses.total() + number
        await until(lambda: self.statuses.total() >= enough)

    async def _read(self, number: int) -> None:
        while not self._stopped.is_set():
            response = await self._client.get("/caching/optimized", params={"id": number})
            self.statuses[response.status] += 1

    async def _write(self) -> None:
        title = 0
        while not self._stopped.is_set():
            title += 1
            body = {"title": f"title {title}"}
            response = await self._client.put("/caching/posts/1", json=body)
            self.statuses[response.status] += 1
            for variant in ("optimized", "naive", "conditional"):
                page = await self._client.get(f"/caching/{variant}", params={"id": 1})
                assert (await page.json())["title"] == body["title"]


async def _until_true(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(30):
        while not await condition():  # noqa: ASYNC110 - metrics have to be polled
            await asyncio.sleep(0.02)


async def _counted(client: Client, name: str) -> float:
    return (await samples(client)).get(name, 0)


@pytest.fixture
def restored_title(execute: Any) -> Any:
    ((title,),) = execute("SELECT title FROM posts WHERE id = 1")
    yield
    execute("UPDATE posts SET title = %s WHERE id = 1", title)


async def test_every_request_succeeds_while_redis_is_killed_and_hits_resume_after_its_return(
    client_of: ClientOf, tmp_path: Path, restored_title: None
) -> None:
    port = free_port()
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(running_valkey(port, tmp_path))
        client = await client_of("caching", redis_port=port)
        load = Load(client)
        running = asyncio.create_task(load.run())
        await _until_true(lambda: _exceeds(client, HITS, 20))
        first._kill_session()
        await _until_true(lambda: _exceeds(client, STATE.format("open"), 0))
        await load.wait_for_responses(200)
        async with running_valkey(port, tmp_path):
            hits = await _counted(client, HITS)
            await _until_true(lambda: _exceeds(client, HITS, hits + 20))
            assert await _counted(client, STATE.format("closed")) == 1
            load.stop()
            await running
    assert load.statuses.keys() == {200}


async def _exceeds(client: Client, name: str, value: float) -> bool:
    return await _counted(client, name) > value


async def test_every_request_succeeds_while_redis_hangs_and_hits_resume_after(
    client_of: ClientOf, tmp_path: Path, restored_title: None
) -> None:
    port = free_port()
    async with running_valkey(port, tmp_path) as process:
        client = await client_of("caching", redis_port=port)
        load = Load(client)
        running = asyncio.create_task(load.run())
        await _until_true(lambda: _exceeds(client, HITS, 20))
        process._child.send_signal(19)  # SIGSTOP
        await _until_true(lambda: _exceeds(client, STATE.format("open"), 0))
        await load.wait_for_responses(100)
        process._child.send_signal(18)  # SIGCONT
        hits = await _counted(client, HITS)
        await _until_true(lambda: _exceeds(client, HITS, hits + 20))
        load.stop()
        await running
    assert load.statuses.keys() == {200}
