"""The lab under load, watched by a real Prometheus, for every test that asks for it."""

import shutil
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from monitoring.recording import CLIENT_P99, P99
from services.catalog import TECHNIQUES
from tests.conftest import ROOT
from tests.monitoring.prometheus import Prometheus, prometheus_watching
from tests.running_lab import lab_up

STATE = ROOT / ".lab" / "monitoring"
#: The property of a test under which it reports the number of series that its panel received.
PANEL_SERIES = "panel series"
_VARIANTS = sum(len(each.variants) for each in TECHNIQUES)


def needs(program: str, package: str) -> str:
    """Where the program is; skips the test where it is not installed."""
    return shutil.which(program) or pytest.skip(
        f"needs {program}: on Debian, apt install {package}"
    )


@pytest.fixture(scope="session")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """It has seen every variant under load."""
    needs("prometheus", "prometheus")
    with lab_up(STATE, LAB_SLOW_REQUEST="0.001") as (_, addresses):
        hosts = {name: urlsplit(address).netloc for name, address in addresses.items()}
        with prometheus_watching(hosts, tmp_path_factory.mktemp("prometheus")) as watching:
            _await_data(watching)
            yield watching


def _await_data(prometheus: Prometheus) -> None:
    deadline = time.monotonic() + 120
    # The client's view is the last to be scraped; and all must have been recorded for longer than
    # the steps of a picture are apart.
    recorded = [f"{series} offset 15s" for series in (P99, CLIENT_P99)]
    while min(map(prometheus.instant, recorded)) < _VARIANTS:
        assert time.monotonic() < deadline, "no load was seen on some variant"
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
