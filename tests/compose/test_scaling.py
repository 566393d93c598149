"""`--scale caching=3`: the gateway and Prometheus find new replicas and drop removed ones."""

from collections.abc import Iterator

import pytest

from tests.compose.lab import Lab
from tests.conftest import until

REPLICAS = 3


@pytest.fixture(scope="module")
def scaled(lab: Lab) -> Iterator[Lab]:
    lab.up("--scale", f"caching={REPLICAS}")
    yield lab
    lab.up()


def gateway_knows_replicas(lab: Lab) -> bool:
    wanted = f'gateway_replicas{{technique="caching"}} {REPLICAS}.0'
    return wanted in lab.get("/metrics").body.decode().splitlines()


async def test_the_gateway_finds_every_replica(scaled: Lab) -> None:
    await until(lambda: gateway_knows_replicas(scaled), seconds=30)


async def test_prometheus_scrapes_every_replica(scaled: Lab) -> None:
    await until(lambda: scaled.targets().count(("caching", "up")) == REPLICAS, seconds=60)


async def test_every_replica_answers_requests(scaled: Lab) -> None:
    handled = (
        "sum by (instance) (http_server_request_duration_seconds_count"
        '{technique="caching",variant="optimized"}) > 0'
    )
    for number in range(10 * REPLICAS):
        assert scaled.get("/caching/optimized", id=str(number + 1)).status == 200
    await until(lambda: len(scaled.query(handled)) == REPLICAS, seconds=60)


async def test_no_request_fails_when_replicas_are_removed(scaled: Lab) -> None:
    scaled.up("--scale", "caching=1")
    for number in range(10 * REPLICAS):
        assert scaled.get("/caching/optimized", id=str(number + 1)).status == 200
    await until(lambda: scaled.targets().count(("caching", "up")) == 1, seconds=60)
