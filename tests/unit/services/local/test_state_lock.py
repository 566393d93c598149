"""Only one lab at a time can lock a state directory."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from services.local.state_lock import AlreadyRunning, state_lock

LOCK = (
    "import pathlib, sys; from services.local.state_lock import state_lock\n"
    "with state_lock(pathlib.Path(sys.argv[1])):\n"
    "    print('locked', flush=True); sys.stdin.read()"
)


def test_a_second_lock_is_refused_with_the_process_that_holds_the_first(tmp_path: Path) -> None:
    with state_lock(tmp_path):
        with pytest.raises(AlreadyRunning) as caught, state_lock(tmp_path):
            pass
        message = str(caught.value)
    assert f"process {os.getpid()}" in message
    assert str(tmp_path) in message
    assert "LAB_STATE_DIRECTORY" in message
    assert "\n" not in message


def test_a_directory_can_be_locked_again_after_its_release(tmp_path: Path) -> None:
    for _ in range(2):
        with state_lock(tmp_path):
            assert (tmp_path / "lock").read_text("utf-8") == str(os.getpid())


def test_two_directories_can_be_locked_at_once(tmp_path: Path) -> None:
    with state_lock(tmp_path / "one"), state_lock(tmp_path / "two"):
        assert (tmp_path / "one").is_dir()


def test_a_killed_process_releases_its_lock(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", LOCK, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "locked\n"
        with pytest.raises(AlreadyRunning, match=f"process {other.pid}"), state_lock(tmp_path):
            pass
        other.kill()
        other.wait()
        with state_lock(tmp_path):
            pass
