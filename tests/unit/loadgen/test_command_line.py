"""`python -m loadgen`: what cannot be used is said in one line, with exit code 2."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from services.catalog import BY_NAME
from services.settings import PREFIX


def loadgen(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    return subprocess.run(
        [sys.executable, "-m", "loadgen", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**inherited, "COLUMNS": "100", **environment},
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--technique", "nope"), "argument --technique: invalid choice: 'nope'"),
        (("--iterations", "2"), "argument --iterations: '2' is no whole number from 4 to 1000000"),
        (("--iterations", "1_0"), "argument --iterations: '1_0' is no whole number from 4"),
        (("--concurrency", "0"), "argument --concurrency: '0' is no whole number from 1"),
        (("--duration", "0"), "argument --duration: '0' is no number of seconds from 0.01 to 3600"),
        (("--duration", "nan"), "argument --duration: 'nan' is no number of seconds"),
        (("--seed", "-1"), "argument --seed: "),
        (("--colour", "red"), "unrecognized arguments: --colour red"),
    ],
)
def test_a_wrong_argument_is_named(arguments: tuple[str, ...], message: str) -> None:
    ended = loadgen("run", *arguments)
    assert ended.returncode == 2
    assert ended.stdout == ""
    last = ended.stderr.splitlines()[-1]
    assert f"error: {message}" in last
    assert "Traceback" not in ended.stderr


def test_without_an_action_it_says_which_there_are() -> None:
    ended = loadgen()
    assert ended.returncode == 2
    assert "{run,drive}" in ended.stderr


@pytest.mark.parametrize("technique", ["caching", "pagination"])
def test_a_target_that_nobody_serves_is_named(technique: str, unused_tcp_port: int) -> None:
    target = f"http://127.0.0.1:{unused_tcp_port}"
    ended = loadgen("run", "--target", target, "--technique", technique)
    assert ended.returncode == 2
    assert ended.stdout == ""
    (line,) = ended.stderr.split("\n")[:-1]
    assert line.startswith(f"error: cannot connect to {target}: ")


def test_a_target_that_is_no_address_is_refused() -> None:
    ended = loadgen("run", "--target", "localhost:8080")
    assert ended.returncode == 2
    assert ended.stderr == "error: 'localhost:8080' is no address like http://127.0.0.1:8080\n"


def test_a_wrong_environment_is_refused() -> None:
    ended = loadgen("run", LAB_UPSTREAMS="cashing=http://127.0.0.1:1")
    assert ended.returncode == 2
    assert ended.stderr.startswith("error: 'cashing' is no technique; there are caching, ")
    assert len(ended.stderr.splitlines()) == 1


def test_a_folder_that_cannot_be_written_to_is_found_out_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    ended = loadgen("run", "--output", str(tmp_path / "file" / "folder"))
    assert ended.returncode == 2
    assert ended.stderr.startswith("error: ")
    assert len(ended.stderr.splitlines()) == 1


def test_help_names_every_technique() -> None:
    ended = loadgen("run", "--help")
    assert ended.returncode == 0
    text = " ".join(ended.stdout.split())
    assert all(name in text for name in BY_NAME)
