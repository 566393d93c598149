"""A wrong `.env` stops the start before anything has started, and one line says why."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.compose.lab import Lab
from tests.conftest import ROOT

#: All that a lab in containers is made from.
FILES = (".env", "compose.yaml", "Dockerfile", ".dockerignore")
FOLDERS = ("requirements", "services", "gateway", "loadgen", "monitoring")


@pytest.fixture
def copy(tmp_path: Path) -> Iterator[Lab]:
    """A lab that has never been started, whose `.env` may be written to."""
    for name in FILES:
        shutil.copy(ROOT / name, tmp_path)
    for name in FOLDERS:
        shutil.copytree(ROOT / name, tmp_path / name)
    lab = Lab("api-performance-lab-test-settings", tmp_path)
    yield lab
    lab.down()


def add(line: str, folder: Path) -> None:
    with (folder / ".env").open("a", encoding="utf-8") as file:
        file.write(f"\n{line}\n")


@pytest.mark.parametrize("profile", [(), ("--profile", "minimal")])
def test_the_compose_file_is_clean(copy: Lab, profile: tuple[str, ...]) -> None:
    finished = copy.run(*profile, "config", "--quiet")
    assert (finished.returncode, finished.stdout, finished.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("LAB_POOL_MAX=abc", "error: LAB_POOL_MAX: Input should be a valid integer"),
        ("LAB_NO_SUCH=1", "error: LAB_NO_SUCH is not a setting of the lab"),
    ],
)
def test_a_wrong_setting_is_named_and_nothing_starts(
    copy: Lab, tmp_path: Path, line: str, complaint: str
) -> None:
    add(line, tmp_path)
    finished = copy.run("up")
    assert finished.returncode != 0
    (said,) = [line for line in finished.stderr.splitlines() if "error: " in line]
    assert said.startswith("settings-1")
    assert complaint in said
    assert finished.stderr.splitlines()[-1].startswith('service "settings" didn\'t complete')
    assert copy.running() == {}


def test_in_the_background_the_last_line_names_the_service_whose_log_says_why(copy: Lab) -> None:
    finished = copy.run("up", "--detach", "--wait", LAB_DATASET_SIZE="huge")
    assert finished.returncode != 0
    assert finished.stderr.splitlines()[-1].startswith('service "settings" didn\'t complete')
    log = copy.compose("logs", "--no-log-prefix", "settings")
    assert log == "error: LAB_DATASET_SIZE: Input should be 'small', 'medium' or 'large'\n"
    assert copy.running() == {}


@pytest.mark.parametrize(
    ("port", "complaint"),
    [
        ("abc", "Invalid hostPort: abc"),
        ("", "required variable GATEWAY_PORT is missing a value: see .env"),
    ],
)
def test_a_wrong_port_is_refused_by_compose_itself(copy: Lab, port: str, complaint: str) -> None:
    finished = copy.run("up", "--detach", GATEWAY_PORT=port)
    assert finished.returncode != 0
    (line,) = finished.stderr.splitlines()
    assert line.endswith(complaint)
    assert copy.containers() == {}
