"""A wrong `.env` prevents the start of every container, with one line that says why."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.compose.lab import Lab
from tests.conftest import ROOT

#: The files from which the containers are built.
FILES = (".env", "compose.yaml", "Dockerfile", ".dockerignore")
FOLDERS = ("requirements", "services", "gateway", "loadgen", "monitoring")


@pytest.fixture
def copy(tmp_path: Path) -> Iterator[Lab]:
    """A copy of the project that was never started and whose `.env` a test may change."""
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
def test_the_compose_file_is_valid(copy: Lab, profile: tuple[str, ...]) -> None:
    finished = copy.run(*profile, "config", "--quiet")
    assert (finished.returncode, finished.stdout, finished.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("LAB_POOL_MAX=abc", "error: LAB_POOL_MAX: Input should be a valid integer"),
        ("LAB_NO_SUCH=1", "error: LAB_NO_SUCH is not a setting of the lab"),
    ],
)
def test_a_wrong_setting_is_named_and_no_container_runs(
    copy: Lab, tmp_path: Path, line: str, complaint: str
) -> None:
    add(line, tmp_path)
    finished = copy.run("up")
    assert finished.returncode != 0
    (message,) = [each for each in finished.stderr.splitlines() if "error: " in each]
    assert message.startswith("settings-1")
    assert complaint in message
    assert finished.stderr.splitlines()[-1].startswith('service "settings" didn\'t complete')
    assert copy.running() == {}


def test_in_the_background_the_last_line_names_the_service_with_the_error(copy: Lab) -> None:
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
def test_compose_refuses_a_wrong_port(copy: Lab, port: str, complaint: str) -> None:
    finished = copy.run("up", "--detach", GATEWAY_PORT=port)
    assert finished.returncode != 0
    (line,) = finished.stderr.splitlines()
    assert line.endswith(complaint)
    assert copy.containers() == {}
