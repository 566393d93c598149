"""Ports: the default port if it is free, else another, and never one port twice."""

import socket
from collections.abc import Iterator

import pytest

from gateway import __main__ as gateway_command
from services.catalog import TECHNIQUES
from services.local import ports
from services.local.ports import DEFAULT_PORTS, HOST, UnknownName, choose_ports, free_port, is_free


@pytest.fixture
def taken() -> Iterator[int]:
    """A port on which a socket listens."""
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_every_process_has_a_distinct_default_port() -> None:
    assert DEFAULT_PORTS.keys() == {"gateway", "loadgen", *(each.name for each in TECHNIQUES)}
    assert len(set(DEFAULT_PORTS.values())) == len(DEFAULT_PORTS)
    assert DEFAULT_PORTS["gateway"] == gateway_command.DEFAULT_PORT


def test_a_free_wanted_port_is_chosen() -> None:
    wanted = {"caching": free_port()}
    chosen, messages = choose_ports(wanted)
    assert chosen["caching"] == wanted["caching"]
    assert not [line for line in messages if "caching" in line]


def test_every_process_gets_a_distinct_port() -> None:
    chosen, _ = choose_ports({})
    assert chosen.keys() == DEFAULT_PORTS.keys()
    assert len(set(chosen.values())) == len(chosen)


def test_a_port_in_use_is_replaced_with_a_message(taken: int) -> None:
    chosen, messages = choose_ports({"caching": taken})
    assert chosen["caching"] != taken
    assert f"port {taken} is in use; caching listens on {chosen['caching']} instead" in messages


def test_one_port_wanted_twice_is_chosen_once() -> None:
    port = free_port()
    chosen, messages = choose_ports({"gateway": port, "caching": port})
    assert sorted([chosen["gateway"] == port, chosen["caching"] == port]) == [False, True]
    assert len([line for line in messages if f"port {port} is in use" in line]) == 1


def test_a_free_port_is_never_a_default_port(monkeypatch: pytest.MonkeyPatch) -> None:
    others = {str(port): port for port in range(65_536) if port % 5}
    monkeypatch.setattr(ports, "DEFAULT_PORTS", others)
    assert [free_port() % 5 for _ in range(10)] == [0] * 10


def test_an_unknown_process_name_is_refused_with_the_known_names() -> None:
    with pytest.raises(UnknownName, match="LAB_PORTS: 'cashing' is not a process; use one of "):
        choose_ports({"cashing": 1234})


def test_a_port_is_free_if_it_is_neither_in_use_nor_already_chosen(taken: int) -> None:
    port = free_port()
    assert is_free(port)
    assert not is_free(port, [port])
    assert not is_free(taken)
