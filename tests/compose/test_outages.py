"""Outages of one container: the others report them, keep running, and recover by themselves."""

from collections.abc import Iterator
from contextlib import contextmanager

from services.catalog import TECHNIQUES
from tests.compose.lab import Lab
from tests.conftest import until

HITS = 'sum(cache_requests_total{technique="caching",result="hit"})'
#: Techniques that query PostgreSQL for each request. The others read their rows at the start.
QUERYING = ("caching", "connection-pooling", "n-plus-one", "pagination")


@contextmanager
def killed(lab: Lab, service: str) -> Iterator[None]:
    """Kill a container for the duration of the block. No other container may restart meanwhile."""
    before = {start for start in lab.starts() if start[0] != service}
    lab.compose("kill", service)
    try:
        yield
    finally:
        lab.compose("start", service)
    assert {start for start in lab.starts() if start[0] != service} == before


def status(lab: Lab, path: str) -> int:
    return lab.get(path).status


async def test_without_redis_pages_come_from_the_database_and_hits_return_with_it(
    lab: Lab,
) -> None:
    with killed(lab, "redis"):
        for number in range(1, 20):
            assert lab.get("/caching/optimized", id=str(number)).status == 200
    before = lab.query(HITS)[()]
    await until(lambda: lab.query(HITS)[()] > before, seconds=60)


async def test_without_postgres_the_status_is_503_and_with_it_200_again(lab: Lab) -> None:
    with killed(lab, "postgres"):
        for name in QUERYING:
            answer = lab.get(f"/{name}/naive")
            assert answer.status == 503, name
            assert answer.headers["Content-Type"] == "application/problem+json"
            assert int(answer.headers["Retry-After"]) > 0
        assert status(lab, "/async-logging/optimized") == 200
    for technique in TECHNIQUES:
        for variant in technique.variant_names():
            path = technique.path(variant)
            await until(lambda path=path: status(lab, path) == 200, seconds=60)  # type: ignore[misc]


async def test_without_a_service_the_gateway_returns_503_and_prometheus_reports_it_down(
    lab: Lab,
) -> None:
    path, up = "/pagination/optimized", 'up{service="pagination"} == 1'
    with killed(lab, "pagination"):
        await until(lambda: status(lab, path) == 503)
        answer = lab.get(path)
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert int(answer.headers["Retry-After"]) > 0
        assert status(lab, "/caching/optimized") == 200
        await until(lambda: lab.query(up) == {}, seconds=60)
    await until(lambda: status(lab, path) == 200, seconds=60)
    await until(lambda: len(lab.query(up)) == 1, seconds=60)


async def test_everything_is_ready_after_the_outages(lab: Lab) -> None:
    await until(lambda: status(lab, "/readyz") == 200, seconds=60)
