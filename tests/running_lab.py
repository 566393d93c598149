"""The lab without Docker, started in a process as a user starts it: `python -m services.local`."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.conftest import ROOT

LOCAL = (sys.executable, "-m", "services.local")


def environment(state: Path, **changes: str) -> dict[str, str]:
    """This process's environment, with the small data set and without other LAB_* settings."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("LAB_")}
    mine = {"LAB_STATE_DIRECTORY": str(state), "LAB_DATASET_SIZE": "small"}
    return inherited | mine | changes


@contextmanager
def lab_up(state: Path, **changes: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, str]]]:
    """`services.local up`, ready and under load, with the addresses that the lab printed."""
    process = subprocess.Popen(
        [*LOCAL, "up"],
        env=environment(state, **changes),
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process, _addresses(process)
    finally:
        process.terminate()
        process.communicate(timeout=60)


def _addresses(process: subprocess.Popen[str]) -> dict[str, str]:
    assert process.stderr is not None
    addresses: dict[str, str] = {}
    said = []
    for line in process.stderr:
        said.append(line)
        match line.split():
            case [name, address] if address.startswith("http://"):
                addresses[name] = address
            case ["load", "is", "running;", *_]:
                return addresses
    raise AssertionError(f"the lab ended with {process.wait()} before it was up:\n{''.join(said)}")
