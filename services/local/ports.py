"""The port of each process: its default port if that port is free, else any free port."""

import socket
from collections.abc import Iterable, Mapping

from services.catalog import TECHNIQUES

HOST = "127.0.0.1"

DEFAULT_PORTS: dict[str, int] = {
    "gateway": 8080,
    **{technique.name: technique.port for technique in TECHNIQUES},
    "loadgen": 8090,
}


class UnknownName(ValueError):
    """LAB_PORTS names a process that does not exist. The message is one line for the user."""


def choose_ports(wanted: Mapping[str, int]) -> tuple[dict[str, int], list[str]]:
    """A free port by process name, and a message for the user about each replaced port.

    `wanted` overrides default ports. Raises UnknownName when one of its names is not a process.

    A port counts as free if it can be bound now. Another program may still bind the port before the
    process does. Then the start fails with the message of that process.
    """
    unknown = sorted(wanted.keys() - DEFAULT_PORTS.keys())
    if unknown:
        raise UnknownName(
            f"LAB_PORTS: {unknown[0]!r} is not a process; use one of {', '.join(DEFAULT_PORTS)}"
        )
    chosen: dict[str, int] = {}
    messages: list[str] = []
    for name, port in (DEFAULT_PORTS | dict(wanted)).items():
        chosen[name] = port if is_free(port, chosen.values()) else free_port(chosen.values())
        if chosen[name] != port:
            messages.append(f"port {port} is in use; {name} listens on {chosen[name]} instead")
    return chosen, messages


def is_free(port: int, taken: Iterable[int] = ()) -> bool:
    """Whether the port can be bound now and is not in `taken`."""
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
    """A port that can be bound now, is not in `taken`, and is no default port of the lab."""
    avoided = {*taken, *DEFAULT_PORTS.values()}
    while True:
        with socket.socket() as probe:
            probe.bind((HOST, 0))
            port: int = probe.getsockname()[1]
        if port not in avoided:
            return port
