"""A running lab without Docker: continuous load, restarts, and the lock on its folder."""

import subprocess
import urllib.request
from collections.abc import Iterator

import psutil
import pytest

from services.catalog import TECHNIQUES
from tests.conftest import ROOT, until
from tests.running_lab import LOCAL, environment, lab_up

STATE = ROOT / ".lab" / "e2e-running"

pytestmark = pytest.mark.timeout(180)

Lab = tuple[subprocess.Popen[str], dict[str, str]]


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """The supervisor's process and the addresses of a lab under load."""
    with lab_up(STATE) as lab:
        yield lab


def get(address: str) -> str:
    with urllib.request.urlopen(address, timeout=10) as response:  # noqa: S310
        text: str = response.read().decode()
        return text


def test_a_second_lab_with_the_same_folder_is_refused(lab: Lab) -> None:
    finished = subprocess.run(
        [*LOCAL, "run", "--", "true"],
        env=environment(STATE),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert finished.returncode == 2
    assert "running already" in finished.stderr.splitlines()[-1]


async def test_load_runs_on_every_variant_and_is_counted(lab: Lab) -> None:
    _, addresses = lab
    wanted = [
        f'loadgen_requests_total{{outcome="ok",technique="{technique.name}",variant="{name}"}}'
        for technique in TECHNIQUES
        for name in technique.variant_names()
    ]
    await until(lambda: all(name in get(f"{addresses['loadgen']}/metrics") for name in wanted), 60)
    assert 'outcome="error",technique="caching",variant="naive"} 0.0' in get(
        f"{addresses['loadgen']}/metrics"
    )


async def test_a_killed_service_is_restarted(lab: Lab) -> None:
    process, addresses = lab
    (caching,) = [
        child
        for child in psutil.Process(process.pid).children()
        if child.cmdline()[-1] == "caching"
    ]
    caching.kill()
    await until(lambda: _responds(addresses["caching"]))
    assert not caching.is_running()


def _responds(address: str) -> bool:
    try:
        return bool(get(f"{address}/caching/optimized?id=1"))
    except OSError:
        return False
