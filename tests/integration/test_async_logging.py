"""Asynchronous logging: every accepted record is written or counted as lost."""

import asyncio
import os
from pathlib import Path

import orjson
import pytest

from services.local.server_probe import wait_until
from tests.conftest import Client, ClientOf, samples

Records = list[dict[str, object]]


def records_in(path: Path) -> Records:
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


def steps_of(records: Records) -> list[object]:
    return [record["attributes"]["step"] for record in records]  # type: ignore[index]


async def outcomes(client: Client, variant: str = "optimized") -> dict[str, float]:
    name = 'log_records_total{{outcome="{}",technique="async-logging",variant="{}"}}'
    metrics = await samples(client)
    names = ("accepted", "written", "sampled", "dropped", "failed")
    return {each: metrics[name.format(each, variant)] for each in names}


async def log(client: Client, variant: str = "optimized", **query: object) -> None:
    headers = {"X-Request-ID": "the-request"}
    params = {name: str(value) for name, value in query.items()}
    response = await client.get(f"/async-logging/{variant}", params=params, headers=headers)
    assert response.status == 200


async def until_written(client: Client, variant: str, count: int) -> None:
    async def written() -> bool:
        return (await outcomes(client, variant))["written"] >= count

    async with asyncio.timeout(20):
        await wait_until(written)


@pytest.mark.parametrize(("sink", "suffix"), [("file", ""), ("fsync", "-fsync")])
@pytest.mark.parametrize("variant", ["naive", "optimized", "queue"])
async def test_all_records_are_in_the_file_after_the_service_has_stopped(
    client_of: ClientOf, tmp_path: Path, variant: str, sink: str, suffix: str
) -> None:
    client = await client_of("async-logging")
    for _ in range(5):
        await log(client, variant, records=20, sink=sink)
    await client.close()
    records = records_in(tmp_path / f"records-{variant}{suffix}.log")
    assert steps_of(records) == list(range(1, 21)) * 5
    assert records[0].pop("timestamp")
    assert records[0] == {
        "severity_text": "INFO",
        "severity_number": 9,
        "body": "order checked",
        "attributes": {
            "request_id": "the-request",
            "http.request.method": "GET",
            "url.path": f"/async-logging/{variant}",
            "step": 1,
            "steps": 20,
        },
    }


@pytest.mark.parametrize(("sink", "suffix"), [("file", ""), ("fsync", "-fsync")])
async def test_aiologger_writes_all_records_in_any_order(
    client_of: ClientOf, tmp_path: Path, sink: str, suffix: str
) -> None:
    client = await client_of("async-logging")
    await log(client, "aiologger", records=20, sink=sink)
    await until_written(client, "aiologger", 20)
    records = records_in(tmp_path / f"records-aiologger{suffix}.log")
    assert sorted(steps_of(records)) == list(range(1, 21))  # type: ignore[type-var]


@pytest.mark.parametrize("variant", ["naive", "optimized", "queue", "aiologger"])
async def test_no_file_exceeds_its_bound(client_of: ClientOf, tmp_path: Path, variant: str) -> None:
    path = tmp_path / f"records-{variant}.log"
    path.write_bytes(b"x" * 999_999 + b"\n")
    client = await client_of("async-logging", log_file_megabytes=1)
    for written in (1, 21):  # aiologger knows the size of the file only after its first write
        await log(client, variant, records=1 if written == 1 else 20)
        await until_written(client, variant, written)
    await client.close()
    assert path.stat().st_size < 20_000
    assert path.with_name(path.name + ".1").stat().st_size < 1_020_000


async def test_a_hanging_sink_delays_no_request_and_every_record_is_counted(
    client_of: ClientOf, tmp_path: Path
) -> None:
    path = tmp_path / "records-optimized.log"
    os.mkfifo(path)  # without a reader, opening the pipe for writing hangs
    client = await client_of("async-logging", log_queue_size=1000)
    for _ in range(20):
        await log(client, records=100)
    stalled = await outcomes(client)
    assert stalled == {"accepted": 800, "written": 0, "sampled": 0, "dropped": 1200, "failed": 0}
    assert (await samples(client))['log_queue_depth{technique="async-logging"}'] == 800
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    read = await read_until_written(client, reader, 800)
    await log(client, records=5)
    read += await read_until_written(client, reader, 805)
    assert await outcomes(client) == {**stalled, "accepted": 805, "written": 805}
    await client.close()
    read += read_some(reader)
    os.close(reader)
    assert steps_of([orjson.loads(line) for line in read.splitlines()]) == [
        *(list(range(1, 101)) * 8), 1, 2, 3, 4, 5,
    ]  # fmt: skip


async def read_until_written(client: Client, reader: int, count: int) -> bytes:
    read = b""
    async with asyncio.timeout(20):
        while (await outcomes(client))["written"] < count:
            read += read_some(reader)
    return read


def read_some(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 1_000_000)
    except BlockingIOError:
        return b""


@pytest.mark.parametrize("variant", ["optimized", "queue"])
async def test_a_small_queue_writes_accepted_records_and_counts_dropped_ones(
    client_of: ClientOf, tmp_path: Path, variant: str
) -> None:
    client = await client_of("async-logging", log_queue_size=10)
    for _ in range(5):
        await log(client, variant, records=100)
    counts = await outcomes(client, variant)
    assert counts["accepted"] + counts["dropped"] == 500
    await client.close()
    assert len(records_in(tmp_path / f"records-{variant}.log")) == counts["accepted"]


async def test_with_the_policy_block_no_record_is_dropped(
    client_of: ClientOf, tmp_path: Path
) -> None:
    client = await client_of(
        "async-logging", log_queue_size=10, log_policy="block", log_block_seconds=20
    )
    await log(client, records=100)
    await client.close()
    assert steps_of(records_in(tmp_path / "records-optimized.log")) == list(range(1, 101))


async def test_sampling_leaves_out_the_records_of_successful_requests(
    client_of: ClientOf, tmp_path: Path
) -> None:
    rules = {"/async-logging/optimized:INFO": 0.0}
    client = await client_of("async-logging", log_sampling=rules)
    await log(client, records=20)
    await log(client, "naive", records=20)
    assert (await outcomes(client))["sampled"] == 20
    await client.close()
    assert not (tmp_path / "records-optimized.log").exists()
    assert len(records_in(tmp_path / "records-naive.log")) == 20


async def test_sampling_keeps_the_records_of_slow_requests(
    client_of: ClientOf, tmp_path: Path
) -> None:
    client = await client_of("async-logging", log_sampling={"INFO": 0.0}, slow_request=1e-9)
    await log(client, records=20)
    assert (await outcomes(client))["sampled"] == 0
    await client.close()
    assert len(records_in(tmp_path / "records-optimized.log")) == 20


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="/dev/full exists only on Linux")
@pytest.mark.parametrize("variant", ["naive", "optimized", "queue"])
async def test_with_a_full_disk_requests_succeed_and_records_are_counted_as_failed(
    client_of: ClientOf, tmp_path: Path, variant: str
) -> None:
    # Without aiologger, which leaves the file open if the disk is still full at shutdown.
    (tmp_path / f"records-{variant}.log").symlink_to("/dev/full")
    client = await client_of("async-logging")
    await log(client, variant, records=20)

    async def has_failed() -> bool:
        return (await outcomes(client, variant))["failed"] == 20

    async with asyncio.timeout(20):
        await wait_until(has_failed)
    assert (await outcomes(client, variant))["written"] == 0
    assert (await client.get("/readyz")).status == 200
    await client.close()


@pytest.mark.parametrize("variant", ["naive", "optimized", "queue", "aiologger"])
async def test_records_after_the_file_was_removed_are_lost_and_counted_as_written(
    client_of: ClientOf, tmp_path: Path, variant: str
) -> None:
    path = tmp_path / f"records-{variant}.log"
    client = await client_of("async-logging")
    for written in (20, 40):
        await log(client, variant, records=20)
        await until_written(client, variant, written)
        path.unlink(missing_ok=True)
    assert (await outcomes(client, variant))["failed"] == 0
    await client.close()
    assert not path.exists()
