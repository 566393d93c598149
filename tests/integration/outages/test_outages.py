"""Tests every cell of the table in services/OUTAGES.md with real servers behind a proxy."""

import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

import pytest

from services.catalog import BY_NAME, TECHNIQUES
from services.contract import Need, Technique
from services.settings import Settings
from tests.conftest import ROOT, Client, ClientOf
from tests.integration.faulty_proxy import Fault, FaultyProxy

#: The columns of the table.
OUTAGES = (
    (Need.POSTGRES, Fault.CUT),
    (Need.POSTGRES, Fault.SILENT),
    (Need.REDIS, Fault.CUT),
    (Need.REDIS, Fault.SILENT),
)
SERVERS = {Need.POSTGRES: "database", Need.REDIS: "redis"}
#: Seconds. The table's statuses do not depend on how long a timeout lasts.
SHORT = {
    "pool_timeout": 0.3,
    "statement_timeout": 0.3,
    "request_timeout": 1.0,
    "cache_lease": 0.2,
    "redis_timeout": 0.1,
}
NOT_USED = "–"


class Row(NamedTuple):
    """The statuses that the table lists for one route, in the order of OUTAGES."""

    technique: Technique
    route: str
    is_cached: bool
    statuses: tuple[str, ...]


def rows() -> list[Row]:
    """A row per route of the table. Techniques without a row get the rows of the rule."""
    text = (ROOT / "services" / "OUTAGES.md").read_text("utf-8")
    found: list[Row] = []
    for line in re.findall(r"^\| ([\w-]+ \|.*) \|$", text, re.MULTILINE):
        name, routes, *statuses = (cell.strip() for cell in line.split("|"))
        if name in BY_NAME:
            technique = BY_NAME[name]
            found += [
                Row(technique, route, "not cached" not in routes, tuple(statuses))
                for route in _routes(technique, routes)
            ]
    listed = {row.technique.name for row in found}
    return found + [row for each in TECHNIQUES if each.name not in listed for row in by_rule(each)]


def _routes(technique: Technique, cell: str) -> tuple[str, ...]:
    names = cell.partition(" (")[0]
    return technique.variant_names() if names == "all" else tuple(names.split(", "))


def by_rule(technique: Technique) -> list[Row]:
    uses = [need in technique.needs for need, _ in OUTAGES]
    statuses = ("503" if fault is Fault.CUT else "504" for _, fault in OUTAGES)
    rule = tuple(status if use else NOT_USED for use, status in zip(uses, statuses, strict=True))
    return [
        Row(technique, name, is_cached=True, statuses=rule) for name in technique.variant_names()
    ]


ROWS = rows()


def test_the_table_has_each_variant() -> None:
    listed = {(row.technique.name, row.route) for row in ROWS}
    variants = {(each.name, name) for each in TECHNIQUES for name in each.variant_names()}
    assert variants <= listed


def test_a_cell_is_empty_only_if_the_technique_does_not_use_the_server() -> None:
    for row in ROWS:
        for (need, _), status in zip(OUTAGES, row.statuses, strict=True):
            assert (status == NOT_USED) == (need not in row.technique.needs), row


@asynccontextmanager
async def behind_proxy(settings: Settings, need: Need) -> AsyncIterator[tuple[FaultyProxy, str]]:
    """A proxy in front of the server, and the setting that leads a service to the proxy."""
    port = f"{SERVERS[need]}_port"
    proxy = FaultyProxy(getattr(settings, port))
    await proxy.start()
    try:
        yield proxy, port
    finally:
        await proxy.close()


CELLS = [
    pytest.param(
        row, need, fault, int(status), id=f"{row.technique.name} {row.route} {need} {fault}"
    )
    for row in ROWS
    for (need, fault), status in zip(OUTAGES, row.statuses, strict=True)
    if status != NOT_USED
]


# After a refusal, aiopg's incomplete connection raises in __del__ when it is collected.
@pytest.mark.filterwarnings(
    "ignore:Exception ignored in.*Connection.__del__:pytest.PytestUnraisableExceptionWarning"
)
@pytest.mark.parametrize(("row", "need", "fault", "expected"), CELLS)
async def test_route_answers_an_outage_as_the_table_says(
    row: Row, need: Need, fault: Fault, expected: int, client_of: ClientOf, settings: Settings
) -> None:
    async with behind_proxy(settings, need) as (proxy, port):
        client = await client_of(row.technique.name, **SHORT, **{port: proxy.port})
        await ask(client, row, is_cached=True)
        if fault is Fault.CUT:
            await proxy.refuse()
        proxy.inject(fault)
        status, problem = await ask(client, row, row.is_cached)
    assert status == expected
    if status == 503:
        assert problem["dependency"] == need


async def ask(client: Client, row: Row, is_cached: bool) -> tuple[int, dict[str, str]]:
    """The status, and the problem document of a refusal. A page is cached by the first request."""
    if row.route.startswith("PUT"):
        response = await client.put("/caching/posts/9", json={"title": "another title"})
    else:
        query = {} if is_cached else {"id": "77"}
        response = await client.get(row.technique.path(row.route), params=query)
    refused = response.status >= 400
    content_type = "application/problem+json"
    return response.status, await response.json(content_type=content_type) if refused else {}


def test_a_service_that_cannot_reach_postgresql_at_its_start_ends_without_a_traceback() -> None:
    environment = {**os.environ, "LAB_DATABASE_PORT": "9", "LAB_STARTUP_TIMEOUT": "0.6"}
    command = [sys.executable, "-m", "services", "pagination"]
    ended = subprocess.run(
        command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 2
    assert "Traceback" not in ended.stderr
    assert "LAB_STARTUP_TIMEOUT" in ended.stderr.splitlines()[-1]
