"""The machine and the source revision of a measurement."""

import os
import platform
import subprocess
from pathlib import Path

_CPU_INFORMATION = Path("/proc/cpuinfo")
_MEMORY_INFORMATION = Path("/proc/meminfo")


def fingerprint() -> dict[str, str | int]:
    """Facts that tell machines apart, without the machine's or the user's name."""
    return {
        "processor": _field(_CPU_INFORMATION, "model name") or platform.machine(),
        "cores": os.cpu_count() or 0,
        "memory_gib": _memory_gib(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
    }


def git_revision() -> str:
    """The commit of this source tree, with a + for modified files; empty if unknown."""
    here = Path(__file__).parent
    command = ("git", "describe", "--always", "--abbrev=12", "--dirty=+", "--exclude=*")
    try:
        described = subprocess.run(  # noqa: S603 - a constant command
            command, cwd=here, capture_output=True, text=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return described.stdout.strip()


def _memory_gib() -> int:
    kibibytes = _field(_MEMORY_INFORMATION, "MemTotal").split()
    return round(int(kibibytes[0]) / 2**20) if kibibytes else 0


def _field(path: Path, name: str) -> str:
    """The value of the first `name: value` line, empty if the file or the line is missing."""
    if not path.exists():
        return ""
    for line in path.read_text("utf-8").splitlines():
        key, _, value = line.partition(":")
        if key.strip() == name:
            return value.strip()
    return ""
