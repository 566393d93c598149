"""A state directory belongs to one lab at a time."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from services.local.stack import AlreadyRunning, claimed

CLAIM = (
    "import pathlib, sys; from services.local.stack import claimed\n"
    "with claimed(pathlib.Path(sys.argv[1])):\n"
    "    print('claimed', flush=True); sys.stdin.read()"
)


def test_a_second_claim_is_refused_with_the_process_that_holds_the_first(tmp_path: Path) -> None:
    with claimed(tmp_path):
        with pytest.raises(AlreadyRunning) as caught, claimed(tmp_path):
            pass
        message = str(caught.value)
    assert f"process {os.getpid()}" in message
    assert str(tmp_path) in message
    assert "LAB_STATE_DIRECTORY" in message
    assert "\n" not in message


def test_a_directory_can_be_claimed_again_when_it_was_let_go(tmp_path: Path) -> None:
    for _ in range(2):
        with claimed(tmp_path):
            assert (tmp_path / "lock").read_text("utf-8") == str(os.getpid())


def test_two_directories_can_be_claimed_at_once(tmp_path: Path) -> None:
    with claimed(tmp_path / "one"), claimed(tmp_path / "two"):
        assert (tmp_path / "one").is_dir()


def test_a_process_that_was_killed_holds_nothing(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", CLAIM, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "claimed\n"
        with pytest.raises(AlreadyRunning, match=f"process {other.pid}"), claimed(tmp_path):
            pass
        other.kill()
        other.wait()
        with claimed(tmp_path):
            pass
