"""Real servers for every test that needs them: PostgreSQL and Valkey, started once per process.

`make test` runs files side by side in several processes (pytest-xdist). Tests that compare
durations carry the mark `measures_time` and run afterwards, one after the other, on an otherwise
idle machine.
"""

import asyncio
import importlib
import os
from collections.abc import Awaitable, Callable, Generator, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar

import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestClient
from pytest_aiohttp import AiohttpClient
from xdist.scheduler import LoadScopeScheduling

from services.catalog import BY_NAME
from services.dataset.bulk_load import connect, load
from services.local.data_servers import data_servers
from services.local.state_lock import state_lock
from services.settings import PREFIX, Settings

ROOT = Path(__file__).parents[1]
#: Kept between runs, since creating a database cluster takes longer than most tests. Each process
#: of pytest-xdist has servers of its own: tests count and kill connections.
STATE = ROOT / ".lab" / f"test{os.environ.get('PYTEST_XDIST_WORKER', '')}"

FILES_THAT_START_A_LAB = ("tests/e2e/", "tests/monitoring/test_panels.py")

Client = TestClient[Any, Any]
ClientOf = Callable[..., Awaitable[Client]]
Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--no-skips", action="store_true", help="a skipped test is a failed one")


class FileScheduling(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """Runs each file's tests in one process, so that they share fixtures.

    All tests that start a whole lab share one process, too: labs that start at the same instant
    would choose the same ports.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return "lab" if file.startswith(FILES_THAT_START_A_LAB) else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> FileScheduling:
    return FileScheduling(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    return _without_skip((yield), item.config)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    return _without_skip((yield), collector.config)


def _without_skip(report: Report, config: pytest.Config) -> Report:
    if report.skipped and not hasattr(report, "wasxfail") and config.getoption("no_skips"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"{report.nodeid} was not to be skipped. {reason}"
    return report


@pytest.fixture(scope="session", autouse=True)
def no_settings_from_outside() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(PREFIX)]:
            patch.delenv(name)
        yield


@pytest.fixture(scope="session")
def settings(no_settings_from_outside: None) -> Iterator[Settings]:
    """Settings of running servers that hold the small data set."""
    with state_lock(STATE), asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        context = data_servers(STATE)
        _, servers = runner.run(_entered(context))
        try:
            settings = Settings(
                **servers, dataset_size="small", pool_min=2, pool_max=4, startup_timeout=5
            )
            load(settings)
            yield settings
        finally:
            runner.run(_left(context))


async def _entered(context: Any) -> Any:
    return await context.__aenter__()


async def _left(context: Any) -> None:
    await context.__aexit__(None, None, None)


@pytest.fixture
def client_of(aiohttp_client: AiohttpClient, settings: Settings, tmp_path: Path) -> ClientOf:
    """Starts a technique's service with some settings changed, and returns a client of it."""

    async def start(technique: str, **changes: object) -> Client:
        module = importlib.import_module(f"services.{BY_NAME[technique].package}.app")
        changed = settings.model_copy(update={"log_directory": tmp_path, **changes})
        client: Client = await aiohttp_client(module.create(changed))
        return client

    return start


@pytest.fixture
def execute(settings: Settings) -> Iterator[Callable[..., list[tuple[Any, ...]]]]:
    """Runs a statement on a connection outside the pools of the services."""
    connection = connect(settings)

    def run(statement: str, *parameters: object) -> list[tuple[Any, ...]]:
        with connection.cursor() as cursor:
            cursor.execute(statement, parameters or None)
            return cursor.fetchall() if cursor.description else []

    with closing(connection):
        yield run


async def samples(client: Client | ClientSession) -> dict[str, float]:
    """The service's metrics: values by name and labels, as the exposition writes them."""
    text = await (await client.get("/metrics")).text()
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


async def until(condition: Callable[[], bool], seconds: float = 20) -> None:
    """Polls the condition, for events in another process. Raises TimeoutError."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)
