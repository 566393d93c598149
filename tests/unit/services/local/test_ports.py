"""Ports: the usual one where it is free, another where it is not, never the same twice."""

import socket
from collections.abc import Iterator

import pytest

from services.catalog import TECHNIQUES
from services.local import ports
from services.local.ports import HOST, USUAL, UnknownName, choose, free_port, is_free


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that somebody listens on."""
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_every_process_that_listens_has_a_usual_port_of_its_own() -> None:
    assert USUAL.keys() == {"gateway", "loadgen", *(each.name for each in TECHNIQUES)}
    assert len(set(USUAL.values())) == len(USUAL)


def test_a_port_that_was_asked_for_is_given() -> None:
    wanted = {"caching": free_port()}
    chosen, moved = choose(wanted)
    assert chosen["caching"] == wanted["caching"]
    assert not [line for line in moved if "caching" in line]


def test_everybody_gets_a_port_and_nobody_the_same() -> None:
    chosen, _ = choose({})
    assert chosen.keys() == USUAL.keys()
    assert len(set(chosen.values())) == len(chosen)


def test_who_finds_a_port_taken_moves_and_says_so(taken: int) -> None:
    chosen, moved = choose({"caching": taken})
    assert chosen["caching"] != taken
    assert f"port {taken} is taken: caching listens on {chosen['caching']}" in moved


def test_two_that_ask_for_the_same_port_do_not_both_get_it() -> None:
    port = free_port()
    chosen, moved = choose({"gateway": port, "caching": port})
    assert sorted([chosen["gateway"] == port, chosen["caching"] == port]) == [False, True]
    assert len([line for line in moved if f"port {port} is taken" in line]) == 1


def test_who_moves_does_not_take_somebodys_usual_port(monkeypatch: pytest.MonkeyPatch) -> None:
    others = {str(port): port for port in range(65_536) if port % 5}
    monkeypatch.setattr(ports, "USUAL", others)
    assert [free_port() % 5 for _ in range(10)] == [0] * 10


def test_a_name_of_no_process_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(UnknownName, match="LAB_PORTS: 'cashing' is none of gateway, caching,"):
        choose({"cashing": 1234})


def test_a_port_is_free_when_nobody_listens_and_nobody_is_promised_it(taken: int) -> None:
    port = free_port()
    assert is_free(port)
    assert not is_free(port, [port])
    assert not is_free(taken)
