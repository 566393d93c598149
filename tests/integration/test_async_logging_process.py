"""The logging service in its own process: shutdown under load, and standard output."""

import asyncio
import os
import re
import signal
import sys
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
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
#: Answers by each sink before the process is stopped.
ANSWERS = 100


@dataclass
class Service:
    """A running process. `answered` holds the ids of the answered requests by sink."""

    address: str
    folder: Path
    process: asyncio.subprocess.Process
    answered: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    async def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(30):
            assert await self.process.wait() == 0, self.stderr()

    def stderr(self) -> str:
        return (self.folder / "stderr").read_text("utf-8")

    def outcomes(self, variant: str) -> dict[str, int]:
        """Number of records by outcome, from the last lines of the process's log."""
        line = re.findall(rf"records of {variant}: (.*)", self.stderr())[-1]
        return {name: int(number) for number, name in re.findall(r"(\d+) (\w+)", line)}


@asynccontextmanager
async def running(
    folder: Path, stdout: int | None = None, **changes: object
) -> AsyncIterator[Service]:
    """Run `python -m services async-logging`. Its standard output is a file or `stdout`."""
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
    """Send requests until the service no longer accepts them."""
    url = f"{service.address}/async-logging/{variant}?records={RECORDS}&sink={sink}"

    async def client(name: int) -> None:
        for number in count():
            request_id = f"{sink}-{name}-{number}"
            try:
                async with session.get(url, headers={"X-Request-ID": request_id}) as response:
                    assert response.status == 200
                    await response.read()
            except aiohttp.ClientError:
                return
            service.answered[sink].append(request_id)

    async with aiohttp.ClientSession() as session:
        await asyncio.gather(*map(client, range(CLIENTS)))


async def stop_under_load(service: Service, variant: str, sinks: Sequence[str]) -> None:
    loads = [asyncio.create_task(load(service, variant, sink)) for sink in sinks]
    await until(lambda: all(len(service.answered[sink]) >= ANSWERS for sink in sinks))
    await service.stop()
    await asyncio.gather(*loads)


def steps_by_request(text: bytes) -> dict[str, list[int]]:
    steps = defaultdict(list)
    for line in text.splitlines():
        attributes = orjson.loads(line)["attributes"]
        steps[attributes["request_id"]].append(attributes["step"])
    return steps


@pytest.mark.parametrize("variant", ["optimized", "queue"])
async def test_stopped_under_load_a_variant_loses_no_accepted_record(
    tmp_path: Path, variant: str
) -> None:
    # The variant queue needs one fsync per record, so its backlog takes long to write.
    async with running(tmp_path, log_queue_size=1_000_000, log_drain_seconds=25) as service:
        await stop_under_load(service, variant, ["file", "fsync"])
    outcomes = service.outcomes(variant)
    lines = 0
    for sink, suffix in (("file", ""), ("fsync", "-fsync")):
        by_request = steps_by_request((tmp_path / f"records-{variant}{suffix}.log").read_bytes())
        assert by_request.keys() >= set(service.answered[sink])
        assert all(steps == list(range(1, RECORDS + 1)) for steps in by_request.values())
        lines += RECORDS * len(by_request)
    assert lines == outcomes["accepted"] == outcomes["written"]
    assert outcomes["dropped"] == outcomes["failed"] == 0


async def test_aiologger_stopped_under_load_logs_how_many_records_it_lost(tmp_path: Path) -> None:
    async with running(tmp_path, log_drain_seconds=0.5) as service:
        await stop_under_load(service, "aiologger", ["file"])
    outcomes = service.outcomes("aiologger")
    assert outcomes["accepted"] >= RECORDS * len(service.answered["file"])
    assert outcomes["accepted"] == outcomes["written"] + outcomes["failed"]
    lost = re.findall(r"aiologger: (\d+) accepted log records were not written", service.stderr())
    assert sum(map(int, lost)) == outcomes["failed"]


async def test_with_a_hanging_sink_the_process_ends_within_the_deadline_and_logs_its_losses(
    tmp_path: Path,
) -> None:
    os.mkfifo(tmp_path / "records-optimized.log")  # has no reader, so writes hang
    async with running(tmp_path, log_drain_seconds=0.2) as service:
        await request(service, "optimized", "file")
        await service.stop()
    assert f"optimized: {RECORDS} accepted log records were not written" in service.stderr()
    outcomes = service.outcomes("optimized")
    assert outcomes["accepted"] == outcomes["failed"] == RECORDS
    assert outcomes["written"] == 0


async def request(service: Service, variant: str, sink: str) -> None:
    url = f"{service.address}/async-logging/{variant}?records={RECORDS}&sink={sink}"
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        assert response.status == 200


VARIANTS = ["naive", "optimized", "queue", "aiologger"]


async def log_to_stdout_by_each_variant(service: Service) -> None:
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


def has_all_records(text: bytes) -> bool:
    expected = list(range(1, RECORDS + 1))
    return [sorted(steps) for steps in steps_by_request(text).values()] == [expected] * 4


async def test_all_variants_write_to_standard_output_that_is_a_file(tmp_path: Path) -> None:
    async with running(tmp_path) as service:
        await log_to_stdout_by_each_variant(service)
    assert has_all_records((tmp_path / "stdout").read_bytes())


async def test_all_variants_write_to_a_pipe_and_leave_it_blocking(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    try:
        async with running(tmp_path, stdout=writer) as service:
            await log_to_stdout_by_each_variant(service)
        assert os.get_blocking(writer)
        assert has_all_records(os.read(reader, 1_000_000))
    finally:
        os.close(reader)
        os.close(writer)
