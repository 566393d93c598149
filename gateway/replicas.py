"""Where an upstream's replicas are: the addresses that its name leads to, asked again and again.

A client keeps its connections by host name and looks the name up only to open another: under steady
load a new replica would get nothing. So names are resolved here, and for the client each address is
a host of its own.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Iterator
from contextlib import suppress
from itertools import cycle

from aiohttp import web
from yarl import URL

#: A replica that appears is asked, and one that vanishes is not, this and a look-up later at most.
RESOLVE_SECONDS = 2.0
#: For the first answer. Without one the gateway serves all the same: what it cannot ask is 503.
START_SECONDS = 2.0

#: The addresses of a host by its name, IPv6 without brackets. Raises OSError when there are none.
Resolve = Callable[[str], Awaitable[Collection[str]]]
CleanupContext = Callable[[web.Application], AsyncIterator[None]]


async def addresses_of(name: str) -> list[str]:
    """What the name leads to: IPv4, or else IPv6. Raises OSError when that is nothing or unknown.

    Not both: `localhost` may be ::1 as well, where a server that listens on 127.0.0.1 would refuse
    every second request.
    """
    try:
        return await _lookup(name, socket.AF_INET)
    except socket.gaierror as error:
        if error.errno == socket.EAI_AGAIN:  # no answer, which is not the same as no address
            raise
        return await _lookup(name, socket.AF_INET6)


async def _lookup(name: str, family: socket.AddressFamily) -> list[str]:
    # Not through loop.getaddrinfo: uvloop has two threads for all look-ups, its listening on an
    # address among them, which would wait behind a name server that hangs.
    found = await asyncio.to_thread(
        socket.getaddrinfo, name, None, family=family, type=socket.SOCK_STREAM
    )
    return [str(address[0]) for *_, address in found]


class Replicas:
    """The replicas of one upstream, each asked in its turn. None until it is told of some."""

    def __init__(self, base: str) -> None:
        self._url = URL(base)
        self.name = self._url.raw_host or ""
        #: As in a Host header: the name, with the port unless it is the scheme's own.
        self.host = self._url.host_port_subcomponent or ""
        # A certificate is for a name, and so is SNI: such an upstream stays one replica, its name.
        self.resolvable = self._url.scheme != "https"
        self._turn_to(() if self.resolvable else (base,))

    def __len__(self) -> int:
        return len(self.bases)

    def in_turn(self) -> tuple[str, ...]:
        """Every base address once: whose turn it is, then those to try when it refuses."""
        return next(self._orders)

    def lead_to(self, addresses: Iterable[str]) -> None:
        """There are these replicas now, and no others. Raises ValueError for what is no address."""
        # In one order: a name server shuffles them, and each time the turn would begin anew.
        hosts = sorted(set(addresses))
        bases = tuple(str(self._url.with_host(host)).rstrip("/") for host in hosts)
        if bases != self.bases:
            self._turn_to(bases)

    def _turn_to(self, bases: tuple[str, ...]) -> None:
        self.bases = bases
        # All orders are made once, since a request must not pay for its own.
        orders = [bases[first:] + bases[:first] for first in range(len(bases))]
        self._orders: Iterator[tuple[str, ...]] = cycle(orders or [()])


def keep_resolving(upstreams: Iterable[Replicas], resolve: Resolve) -> CleanupContext:
    """A cleanup context that tells upstreams of their replicas, first before anything is served."""
    resolvable = [replicas for replicas in upstreams if replicas.resolvable]

    async def resolving(application: web.Application) -> AsyncIterator[None]:
        known = asyncio.Event()
        task = asyncio.create_task(_keep_resolving(resolvable, resolve, known), name="replicas")
        try:
            with suppress(TimeoutError):
                await asyncio.wait_for(known.wait(), START_SECONDS)
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    return resolving


async def _keep_resolving(
    upstreams: Collection[Replicas], resolve: Resolve, known: asyncio.Event
) -> None:
    while True:
        # No name is asked for again before all have been answered: look-ups hold a thread each, and
        # would pile up behind a name server that hangs.
        await asyncio.gather(*(_resolve(replicas, resolve) for replicas in upstreams))
        known.set()
        await asyncio.sleep(RESOLVE_SECONDS)


async def _resolve(replicas: Replicas, resolve: Resolve) -> None:
    # The last known addresses are kept when a name leads nowhere. If all its replicas have gone,
    # they refuse, which makes the same 503; if only the name server hiccups, they still answer, and
    # to forget them would make its failure the lab's. A ValueError is a name that cannot be one.
    with suppress(OSError, ValueError):
        replicas.lead_to(await resolve(replicas.name))
