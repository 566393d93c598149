"""The lab without Docker in a separate process, started as a user would start it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.conftest import ROOT

LOCAL = (sys.executable, "-m", "services.local")


def environment(state: Path, **changes: str) -> dict[str, str]:
    """The environment of this process, but with the small data set and this state directory."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("LAB_")}
    own = {"LAB_STATE_DIRECTORY": str(state), "LAB_DATASET_SIZE": "small"}
    return inherited | own | changes


@contextmanager
def lab_up(state: Path, **changes: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, str]]]:
    """Run `services.local up`; yield the process and the addresses that it printed.

    The block starts when all processes are ready and the load runs.
    """
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
    lines = []
    for line in process.stderr:
        lines.append(line)
        match line.split():
            case [name, address] if address.startswith("http://"):
                addresses[name] = address
            case ["load", "is", "running;", *_]:
                return addresses
    raise AssertionError(f"the lab ended with {process.wait()} before it was up:\n{''.join(lines)}")
