"""A fixture: the lab under load and a real Prometheus that scrapes it."""

import shutil
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from monitoring.recording_rules import CLIENT_P99, P99
from services.catalog import TECHNIQUES
from tests.conftest import ROOT
from tests.monitoring.prometheus_server import Prometheus, prometheus_watching
from tests.running_lab import lab_up

STATE = ROOT / ".lab" / "monitoring"
#: A test reports the number of series per panel query under this property.
PANEL_SERIES = "panel series"
_VARIANTS = sum(len(each.variants) for each in TECHNIQUES)


def needs(program: str, package: str) -> str:
    """The path of the program. Skips the test if the program is not installed."""
    return shutil.which(program) or pytest.skip(
        f"{program} is not installed; on Debian: apt install {package}"
    )


@pytest.fixture(scope="session")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """A Prometheus that has recorded every variant under load."""
    needs("prometheus", "prometheus")
    with lab_up(STATE, LAB_SLOW_REQUEST="0.001") as (_, addresses):
        hosts = {name: urlsplit(address).netloc for name, address in addresses.items()}
        with prometheus_watching(hosts, tmp_path_factory.mktemp("prometheus")) as watching:
            _await_data(watching)
            yield watching


def _await_data(prometheus: Prometheus) -> None:
    deadline = time.monotonic() + 120
    # The load generator's metrics come last. All series must be older than a step of a graph.
    recorded = [f"{series} offset 15s" for series in (P99, CLIENT_P99)]
    while min(map(prometheus.instant, recorded)) < _VARIANTS:
        assert time.monotonic() < deadline, "a variant has no data after 120 s of load"
        time.sleep(0.5)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    lines = [
        value
        for report in terminalreporter.getreports("passed")
        for name, value in report.user_properties
        if name == PANEL_SERIES
    ]
    if lines:
        terminalreporter.section("series returned to each panel")
        for line in lines:
            terminalreporter.line(line)
