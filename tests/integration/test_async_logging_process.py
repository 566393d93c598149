"""Asynchronous logging in a process of its own: stopped under load, its output elsewhere."""

import asyncio
import os
import re
import signal
import sys
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import orjson
import pytest

from services.local.ports import HOST, free_port
from services.local.server_probe import service_is_ready
from services.local.server_probe import wait_until as until_ready
from services.settings import environment_of
from tests.conftest import ROOT, until

RECORDS = 20
CLIENTS = 8


@dataclass
class Service:
    """A running one. `answered`: the ids of the requests that it has answered."""

    address: str
    folder: Path
    process: asyncio.subprocess.Process
    answered: list[str] = field(default_factory=list)

    async def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(30):
            assert await self.process.wait() == 0, self.said()

    def said(self) -> str:
        return (self.folder / "stderr").read_text("utf-8")

    def outcomes(self, variant: str) -> dict[str, int]:
        """What its last words say became of the records."""
        line = re.findall(rf"records of {variant}: (.*)", self.said())[-1]
        return {name: int(count) for count, name in re.findall(r"(\d+) (\w+)", line)}


@asynccontextmanager
async def running(
    folder: Path, stdout: int | None = None, **changes: object
) -> AsyncIterator[Service]:
    """`python -m services async-logging`; standard output is a file, or the descriptor."""
    port = free_port()
    environment = environment_of({"port": port, "log_directory": folder, **changes})
    with (folder / "stdout").open("ab") as output, (folder / "stderr").open("ab") as errors:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "services", "async-logging",
            env=os.environ | environment, cwd=ROOT,
            stdout=output if stdout is None else stdout, stderr=errors,
        )  # fmt: skip
    try:
        service = Service(f"http://{HOST}:{port}", folder, process)
        async with asyncio.timeout(60):
            await until_ready(service_is_ready(service.address))
        yield service
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def load(service: Service, variant: str, sink: str) -> None:
    """Send requests until the service goes away."""
    url = f"{service.address}/async-logging/{variant}?records={RECORDS}&sink={sink}"

    async def client(name: int) -> None:
        number = 0
        while True:
            number += 1
            request_id = f"{name}-{number}"
            try:
                async with session.get(url, headers={"X-Request-ID": request_id}) as response:
                    assert response.status == 200
                    await response.read()
            except aiohttp.ClientError:
                return
            service.answered.append(request_id)

    async with aiohttp.ClientSession() as session:
        await asyncio.gather(*map(client, range(CLIENTS)))


async def stopped_under_load(service: Service, variant: str, sink: str) -> None:
    loading = asyncio.create_task(load(service, variant, sink))
    await until(lambda: len(service.answered) >= 300)
    await service.stop()
    await loading


def steps_by_request(text: bytes) -> dict[str, list[int]]:
    steps = defaultdict(list)
    for line in text.splitlines():
        attributes = orjson.loads(line)["attributes"]
        steps[attributes["request_id"]].append(attributes["step"])
    return steps


@pytest.mark.parametrize(
    ("variant", "sink"),
    [("optimized", "file"), ("optimized", "fsync"), ("queue", "file"), ("queue", "fsync")],
)
async def test_stopped_under_load_it_loses_no_record_that_it_has_accepted(
    tmp_path: Path, variant: str, sink: str
) -> None:
    # Where each record is an fsync, a backlog may take long to write.
    async with running(tmp_path, log_queue_size=1_000_000, log_drain_seconds=25) as service:
        await stopped_under_load(service, variant, sink)
    outcomes = service.outcomes(variant)
    suffix = "" if sink == "file" else "-fsync"
    found = steps_by_request((tmp_path / f"records-{variant}{suffix}.log").read_bytes())
    assert sum(map(len, found.values())) == outcomes["accepted"] == outcomes["written"]
    assert outcomes["dropped"] == outcomes["failed"] == 0
    assert found.keys() >= set(service.answered)
    assert all(steps == list(range(1, RECORDS + 1)) for steps in found.values())


async def test_aiologger_stopped_under_load_says_what_it_has_lost(tmp_path: Path) -> None:
    async with running(tmp_path) as service:
        await stopped_under_load(service, "aiologger", "file")
    outcomes = service.outcomes("aiologger")
    assert outcomes["accepted"] >= RECORDS * len(service.answered)
    assert outcomes["accepted"] == outcomes["written"] + outcomes["failed"]
    lost = re.findall(r"aiologger: (\d+) log records were accepted and never", service.said())
    assert sum(map(int, lost)) == outcomes["failed"]


async def test_over_a_sink_that_hangs_it_ends_within_the_deadline_and_says_what_is_lost(
    tmp_path: Path,
) -> None:
    os.mkfifo(tmp_path / "records-optimized.log")  # which nobody reads
    async with running(tmp_path, log_drain_seconds=0.2) as service:
        await request(service, "optimized", "file")
        await service.stop()
    assert f"{RECORDS} log records were not written within the deadline" in service.said()
    outcomes = service.outcomes("optimized")
    assert outcomes["accepted"] == outcomes["failed"] == RECORDS
    assert outcomes["written"] == 0


async def request(service: Service, variant: str, sink: str) -> None:
    url = f"{service.address}/async-logging/{variant}?records={RECORDS}&sink={sink}"
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        assert response.status == 200


VARIANTS = ["naive", "optimized", "queue", "aiologger"]


async def each_logs_to_stdout(service: Service) -> None:
    for variant in VARIANTS:
        await request(service, variant, "stdout")
    async with aiohttp.ClientSession(service.address) as session:
        for variant in VARIANTS:
            await until_ready(lambda variant=variant: is_written(session, variant))  # type: ignore[misc]
    await service.stop()


async def is_written(session: aiohttp.ClientSession, variant: str) -> bool:
    async with session.get("/metrics") as response:
        labels = f'outcome="written",technique="async-logging",variant="{variant}"'
        return f"log_records_total{{{labels}}} {RECORDS:.1f}" in await response.text()


def all_are_there(text: bytes) -> bool:
    expected = list(range(1, RECORDS + 1))
    return [sorted(steps) for steps in steps_by_request(text).values()] == [expected] * 4


async def test_standard_output_may_be_a_file(tmp_path: Path) -> None:
    async with running(tmp_path) as service:
        await each_logs_to_stdout(service)
    assert all_are_there((tmp_path / "stdout").read_bytes())


async def test_standard_output_may_be_a_pipe_which_stays_as_it_was(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    try:
        async with running(tmp_path, stdout=writer) as service:
            await each_logs_to_stdout(service)
        assert os.get_blocking(writer)
        assert all_are_there(os.read(reader, 1_000_000))
    finally:
        os.close(reader)
        os.close(writer)
