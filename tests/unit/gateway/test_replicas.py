"""Replicas: whose turn it is, and where a name leads."""

import asyncio
import socket
from collections.abc import Sequence
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from gateway import replicas
from gateway.replicas import Replicas, Resolve, addresses_of, keep_resolving


def replicas_at(*addresses: str, base: str = "http://caching:8101") -> Replicas:
    found = Replicas(base)
    found.lead_to(addresses)
    return found


def first_ones(found: Replicas, number: int) -> list[str]:
    return [found.in_turn()[0] for _ in range(number)]


# Whose turn it is


def test_every_replica_has_its_turn_and_then_the_first_again() -> None:
    found = replicas_at("10.0.0.1", "10.0.0.2", "10.0.0.3")
    expected = ["http://10.0.0.1:8101", "http://10.0.0.2:8101", "http://10.0.0.3:8101"]
    assert first_ones(found, 6) == expected * 2


def test_those_to_try_after_a_refusal_are_all_others_each_once() -> None:
    found = replicas_at("10.0.0.1", "10.0.0.2", "10.0.0.3")
    found.in_turn()
    assert found.in_turn() == (
        "http://10.0.0.2:8101",
        "http://10.0.0.3:8101",
        "http://10.0.0.1:8101",
    )


def test_the_same_addresses_in_another_order_leave_the_turn_where_it_was() -> None:
    found = replicas_at("10.0.0.1", "10.0.0.2")
    found.in_turn()
    found.lead_to(["10.0.0.2", "10.0.0.1"])
    assert first_ones(found, 2) == ["http://10.0.0.2:8101", "http://10.0.0.1:8101"]


def test_an_address_that_is_told_twice_is_one_replica() -> None:
    assert len(replicas_at("10.0.0.1", "10.0.0.1")) == 1


def test_without_replicas_there_is_nobody_to_ask() -> None:
    found = Replicas("http://caching:8101")
    assert len(found) == 0
    assert [found.in_turn(), found.in_turn()] == [(), ()]
    assert replicas_at().in_turn() == ()


@pytest.mark.parametrize(
    ("base", "address", "expected"),
    [
        ("http://caching:8101", "fd00::1", "http://[fd00::1]:8101"),
        ("http://caching", "10.0.0.1", "http://10.0.0.1"),
        ("http://caching:8101/below/it", "10.0.0.1", "http://10.0.0.1:8101/below/it"),
        ("http://name:word@caching:8101", "10.0.0.1", "http://name:word@10.0.0.1:8101"),
        ("http://[::1]:8101", "::1", "http://[::1]:8101"),
    ],
)
def test_only_the_name_gives_way_to_the_address(base: str, address: str, expected: str) -> None:
    assert replicas_at(address, base=base).in_turn() == (expected,)


@pytest.mark.parametrize(
    ("base", "name", "host"),
    [
        ("http://caching:8101/below", "caching", "caching:8101"),
        ("http://caching:80", "caching", "caching"),
        ("http://name:word@caching:8101", "caching", "caching:8101"),
        ("http://[::1]:8101", "::1", "[::1]:8101"),
    ],
)
def test_the_host_is_what_the_upstream_is_called(base: str, name: str, host: str) -> None:
    found = Replicas(base)
    assert (found.name, found.host) == (name, host)


# Where a name leads


async def test_localhost_is_one_address() -> None:
    assert await addresses_of("localhost") == ["127.0.0.1"]


@pytest.mark.parametrize("address", ["127.0.0.2", "::1"])
async def test_an_address_leads_to_itself(address: str) -> None:
    assert await addresses_of(address) == [address]


async def test_a_name_server_that_does_not_answer_is_not_asked_for_other_addresses(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[int] = []

    def no_answer(*_: object, family: int, **__: object) -> None:
        asked.append(family)
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", no_answer)
    with pytest.raises(socket.gaierror):
        await addresses_of("caching")
    assert asked == [socket.AF_INET]


async def test_a_name_without_an_ipv4_address_leads_to_its_ipv6_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def answer(*_: object, family: int, **__: object) -> list[object]:
        if family == socket.AF_INET:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [(family, socket.SOCK_STREAM, 6, "", (f"fd00::{last}", 0, 0, 0)) for last in (1, 2)]

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    assert await addresses_of("caching") == ["fd00::1", "fd00::2"]


# Asked again and again


async def serving(resolve: Resolve, *upstreams: Replicas) -> None:
    """Start as an application does, and stop again."""
    async with asynccontextmanager(keep_resolving(upstreams, resolve))(web.Application()):
        pass


async def test_replicas_are_known_before_anything_is_served() -> None:
    async def resolve(name: str) -> Sequence[str]:
        return ["10.0.0.1"]

    found = Replicas("http://caching:8101")
    await serving(resolve, found)
    assert len(found) == 1


@pytest.mark.parametrize(
    "error", [socket.gaierror(socket.EAI_NONAME, "unknown"), UnicodeError("label too long")]
)
async def test_a_name_that_leads_nowhere_keeps_no_other_from_being_known(error: Exception) -> None:
    async def resolve(name: str) -> Sequence[str]:
        if name == "caching":
            raise error
        return ["10.0.0.1"]

    nowhere, found = Replicas("http://caching:8101"), Replicas("http://pagination:8104")
    await serving(resolve, nowhere, found)
    assert (len(nowhere), len(found)) == (0, 1)


async def test_a_name_server_that_hangs_keeps_nobody_from_starting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(replicas, "START_SECONDS", 0.01)

    async def resolve(name: str) -> Sequence[str]:
        await asyncio.Event().wait()
        raise AssertionError

    async with asyncio.timeout(10):
        await serving(resolve, Replicas("http://caching:8101"))
    assert "replicas" not in {task.get_name() for task in asyncio.all_tasks()}


async def test_an_upstream_with_a_certificate_is_asked_by_its_name() -> None:
    async def resolve(name: str) -> Sequence[str]:
        raise AssertionError(f"{name} is asked for")

    found = Replicas("https://lab.example")
    await serving(resolve, found)
    assert found.in_turn() == ("https://lab.example",)
