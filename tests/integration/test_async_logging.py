"""Asynchronous logging: every accepted record is in the file."""

from pathlib import Path

import orjson
import pytest

from tests.conftest import ClientOf, samples


def lines(path: Path) -> list[dict[str, object]]:
    return [orjson.loads(line) for line in path.read_text("utf-8").splitlines()]


@pytest.mark.parametrize("variant", ["naive", "optimized"])
async def test_the_records_are_in_the_file_when_the_service_has_stopped(
    client_of: ClientOf, tmp_path: Path, variant: str
) -> None:
    client = await client_of("async-logging")
    headers = {"X-Request-ID": "the-request"}
    for _ in range(5):
        await client.get(f"/async-logging/{variant}", params={"records": 20}, headers=headers)
    await client.close()
    records = lines(tmp_path / f"records-{variant}.log")
    assert [record["step"] for record in records] == list(range(1, 21)) * 5
    assert {record["request_id"] for record in records} == {"the-request"}
    assert records[0].keys() == {
        "timestamp", "level", "message", "request_id", "step", "steps", "path",
    }  # fmt: skip


async def test_a_full_queue_drops_and_says_so(client_of: ClientOf, tmp_path: Path) -> None:
    client = await client_of("async-logging", log_queue_size=10)
    response = await client.get("/async-logging/optimized", params={"records": 100})
    assert response.status == 200
    counted = await samples(client)
    name = 'log_records_total{{outcome="{}",technique="async-logging",variant="optimized"}}'
    accepted, dropped = counted[name.format("accepted")], counted[name.format("dropped")]
    assert dropped > 0
    assert accepted + dropped == 100
    await client.close()
    assert len(lines(tmp_path / "records-optimized.log")) == accepted
