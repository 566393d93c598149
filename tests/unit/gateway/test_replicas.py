"""Replicas: their order, and the resolution of host names."""

import asyncio
import socket
from collections.abc import Sequence
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from gateway import replicas
from gateway.replicas import Replicas, Resolve, keep_resolving, resolve_addresses


def replicas_at(*addresses: str, base: str = "http://caching:8101") -> Replicas:
    upstream = Replicas(base)
    upstream.set_addresses(addresses)
    return upstream


def first_bases(upstream: Replicas, number: int) -> list[str]:
    return [upstream.next_order()[0] for _ in range(number)]


# Order


def test_replicas_come_first_in_rotation() -> None:
    upstream = replicas_at("10.0.0.1", "10.0.0.2", "10.0.0.3")
    expected = ["http://10.0.0.1:8101", "http://10.0.0.2:8101", "http://10.0.0.3:8101"]
    assert first_bases(upstream, 6) == expected * 2


def test_an_order_contains_every_replica_once() -> None:
    upstream = replicas_at("10.0.0.1", "10.0.0.2", "10.0.0.3")
    upstream.next_order()
    assert upstream.next_order() == (
        "http://10.0.0.2:8101",
        "http://10.0.0.3:8101",
        "http://10.0.0.1:8101",
    )


def test_shuffled_addresses_do_not_restart_the_rotation() -> None:
    upstream = replicas_at("10.0.0.1", "10.0.0.2")
    upstream.next_order()
    upstream.set_addresses(["10.0.0.2", "10.0.0.1"])
    assert first_bases(upstream, 2) == ["http://10.0.0.2:8101", "http://10.0.0.1:8101"]


def test_a_repeated_address_is_one_replica() -> None:
    assert len(replicas_at("10.0.0.1", "10.0.0.1")) == 1


def test_without_addresses_every_order_is_empty() -> None:
    upstream = Replicas("http://caching:8101")
    assert len(upstream) == 0
    assert [upstream.next_order(), upstream.next_order()] == [(), ()]
    assert replicas_at().next_order() == ()


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
def test_the_address_replaces_only_the_host_name(base: str, address: str, expected: str) -> None:
    assert replicas_at(address, base=base).next_order() == (expected,)


@pytest.mark.parametrize(
    ("base", "name", "host"),
    [
        ("http://caching:8101/below", "caching", "caching:8101"),
        ("http://caching:80", "caching", "caching"),
        ("http://name:word@caching:8101", "caching", "caching:8101"),
        ("http://[::1]:8101", "::1", "[::1]:8101"),
    ],
)
def test_the_host_header_has_name_and_port(base: str, name: str, host: str) -> None:
    upstream = Replicas(base)
    assert (upstream.name, upstream.host) == (name, host)


# Resolution of a name


async def test_localhost_resolves_to_one_address() -> None:
    assert await resolve_addresses("localhost") == ["127.0.0.1"]


@pytest.mark.parametrize("address", ["127.0.0.2", "::1"])
async def test_an_address_resolves_to_itself(address: str) -> None:
    assert await resolve_addresses(address) == [address]


async def test_ipv6_is_not_tried_when_the_name_server_does_not_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    families: list[int] = []

    def no_answer(*_: object, family: int, **__: object) -> None:
        families.append(family)
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", no_answer)
    with pytest.raises(socket.gaierror):
        await resolve_addresses("caching")
    assert families == [socket.AF_INET]


async def test_a_name_without_ipv4_addresses_resolves_to_its_ipv6_addresses(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def answer(*_: object, family: int, **__: object) -> list[object]:
        if family == socket.AF_INET:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [(family, socket.SOCK_STREAM, 6, "", (f"fd00::{last}", 0, 0, 0)) for last in (1, 2)]

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    assert await resolve_addresses("caching") == ["fd00::1", "fd00::2"]


# Repeated resolution


def test_names_are_resolved_every_two_seconds_and_delay_the_start_by_at_most_two_seconds() -> None:
    assert replicas.RESOLVE_SECONDS <= 2
    assert replicas.START_SECONDS <= 2


async def serving(resolve: Resolve, *upstreams: Replicas) -> None:
    """Run the cleanup context as an application does at its start and end."""
    async with asynccontextmanager(keep_resolving(upstreams, resolve))(web.Application()):
        pass


async def test_names_are_resolved_before_the_application_serves() -> None:
    async def resolve(name: str) -> Sequence[str]:
        return ["10.0.0.1"]

    upstream = Replicas("http://caching:8101")
    await serving(resolve, upstream)
    assert len(upstream) == 1


@pytest.mark.parametrize(
    "error", [socket.gaierror(socket.EAI_NONAME, "unknown"), UnicodeError("label too long")]
)
async def test_a_failed_look_up_does_not_affect_other_names(error: Exception) -> None:
    async def resolve(name: str) -> Sequence[str]:
        if name == "caching":
            raise error
        return ["10.0.0.1"]

    unknown, upstream = Replicas("http://caching:8101"), Replicas("http://pagination:8104")
    await serving(resolve, unknown, upstream)
    assert (len(unknown), len(upstream)) == (0, 1)


async def test_a_name_server_that_hangs_does_not_prevent_the_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(replicas, "START_SECONDS", 0.01)

    async def resolve(name: str) -> Sequence[str]:
        await asyncio.Event().wait()
        raise AssertionError

    async with asyncio.timeout(10):
        await serving(resolve, Replicas("http://caching:8101"))
    assert "replicas" not in {task.get_name() for task in asyncio.all_tasks()}


async def test_the_name_of_an_https_service_is_not_resolved() -> None:
    async def resolve(name: str) -> Sequence[str]:
        raise AssertionError(f"{name} is resolved")

    upstream = Replicas("https://lab.example")
    await serving(resolve, upstream)
    assert upstream.next_order() == ("https://lab.example",)
