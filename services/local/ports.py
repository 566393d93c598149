"""Which port each process listens on: its usual one where that is free, else any free one."""

import socket
from collections.abc import Iterable, Mapping

from services.catalog import TECHNIQUES

HOST = "127.0.0.1"

USUAL: dict[str, int] = {
    "gateway": 8080,
    **{technique.name: technique.port for technique in TECHNIQUES},
    "loadgen": 8090,
}


class UnknownName(ValueError):
    """A port was set for a process that does not exist."""


def choose(wanted: Mapping[str, int]) -> tuple[dict[str, int], list[str]]:
    """A free port by name, and a line for a person about each that had to move.

    A port is free when it can be bound now; another program may still take it before we do, which
    stops the start with that process's own message.
    """
    unknown = sorted(wanted.keys() - USUAL.keys())
    if unknown:
        raise UnknownName(f"LAB_PORTS: {unknown[0]!r} is none of {', '.join(USUAL)}")
    chosen: dict[str, int] = {}
    moved: list[str] = []
    for name, port in (USUAL | dict(wanted)).items():
        chosen[name] = port if is_free(port, chosen.values()) else free_port(chosen.values())
        if chosen[name] != port:
            moved.append(f"port {port} is taken: {name} listens on {chosen[name]}")
    return chosen, moved


def is_free(port: int, taken: Iterable[int] = ()) -> bool:
    if port in taken:
        return False
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def free_port(taken: Iterable[int] = ()) -> int:
    """A port that nobody listens on, and that is nobody's usual one."""
    avoided = {*taken, *USUAL.values()}
    while True:
        with socket.socket() as probe:
            probe.bind((HOST, 0))
            port: int = probe.getsockname()[1]
        if port not in avoided:
            return port
