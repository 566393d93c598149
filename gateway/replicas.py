"""The replicas of a service: the addresses of its host name, resolved again every two seconds.

An HTTP client pools connections by host name, and resolves the name only to open a connection.
Under steady load, a new replica would get no requests. The gateway therefore resolves names itself,
and uses each address as a separate host.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Iterator
from contextlib import suppress
from itertools import cycle

from aiohttp import web
from yarl import URL

#: Changes of the replicas take effect after at most this time plus one look-up.
RESOLVE_SECONDS = 2.0
#: Timeout of the first look-ups. After it the gateway starts anyway, and answers 503 for services
#: without a known address.
START_SECONDS = 2.0

#: The addresses of a host name, IPv6 without brackets. Raises OSError if there are none.
Resolve = Callable[[str], Awaitable[Collection[str]]]
CleanupContext = Callable[[web.Application], AsyncIterator[None]]


async def resolve_addresses(name: str) -> list[str]:
    """The IPv4 addresses of a name or, if it has none, its IPv6 addresses. Raises OSError.

    Both together would be wrong for `localhost`, which may also mean ::1. A server on 127.0.0.1
    would then refuse every second request.
    """
    try:
        return await _lookup(name, socket.AF_INET)
    except socket.gaierror as error:
        if error.errno == socket.EAI_AGAIN:  # the name server did not answer; addresses may exist
            raise
        return await _lookup(name, socket.AF_INET6)


async def _lookup(name: str, family: socket.AddressFamily) -> list[str]:
    # Not loop.getaddrinfo: uvloop has two threads for all look-ups, including those to listen on an
    # address. A name server that hangs would block them.
    found = await asyncio.to_thread(
        socket.getaddrinfo, name, None, family=family, type=socket.SOCK_STREAM
    )
    return [str(address[0]) for *_, address in found]


class Replicas:
    """The replicas of one service, used in turn. Empty until `set_addresses` is called."""

    def __init__(self, base: str) -> None:
        self._url = URL(base)
        self.name = self._url.raw_host or ""
        #: The Host header: the name, and the port unless it is the default of the scheme.
        self.host = self._url.host_port_subcomponent or ""
        # A TLS certificate is issued for a name, so an https service has one replica: its name.
        self.resolvable = self._url.scheme != "https"
        self._set_bases(() if self.resolvable else (base,))

    def __len__(self) -> int:
        return len(self.bases)

    def next_order(self) -> tuple[str, ...]:
        """All base addresses in the order to try them. The next call begins with the next one."""
        return next(self._orders)

    def set_addresses(self, addresses: Iterable[str]) -> None:
        """Replace the replicas. Raises ValueError when one of the addresses is invalid."""
        # Name servers shuffle addresses. Sorting keeps the turn when the addresses are the same.
        hosts = sorted(set(addresses))
        bases = tuple(str(self._url.with_host(host)).rstrip("/") for host in hosts)
        if bases != self.bases:
            self._set_bases(bases)

    def _set_bases(self, bases: tuple[str, ...]) -> None:
        self.bases = bases
        # All orders are computed here, once, rather than on each request.
        orders = [bases[first:] + bases[:first] for first in range(len(bases))]
        self._orders: Iterator[tuple[str, ...]] = cycle(orders or [()])


def keep_resolving(upstreams: Iterable[Replicas], resolve: Resolve) -> CleanupContext:
    """A cleanup context that resolves all names, for the first time before the gateway serves."""
    resolvable = [replicas for replicas in upstreams if replicas.resolvable]

    async def resolving(application: web.Application) -> AsyncIterator[None]:
        first_done = asyncio.Event()
        task = asyncio.create_task(
            _resolve_forever(resolvable, resolve, first_done), name="replicas"
        )
        try:
            with suppress(TimeoutError):
                await asyncio.wait_for(first_done.wait(), START_SECONDS)
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    return resolving


async def _resolve_forever(
    upstreams: Collection[Replicas], resolve: Resolve, first_done: asyncio.Event
) -> None:
    while True:
        # The next round begins after all look-ups have ended. Each look-up occupies a thread, and
        # threads would pile up if a name server hangs.
        await asyncio.gather(*(_resolve(replicas, resolve) for replicas in upstreams))
        first_done.set()
        await asyncio.sleep(RESOLVE_SECONDS)


async def _resolve(replicas: Replicas, resolve: Resolve) -> None:
    # If a look-up fails, the last addresses stay. If all replicas have stopped, they refuse, which
    # gives the same 503. If only the name server failed, the replicas still answer.
    # A ValueError means that the name is not a valid host name.
    with suppress(OSError, ValueError):
        replicas.set_addresses(await resolve(replicas.name))
