"""`loadgen drive`: load without end, one variant at a time, so that none spoils another.

What is driven can be asked and changed while it runs: see loadgen/control.py.
"""

import asyncio
import contextlib
import itertools
import logging
import signal
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import uvloop
from aiohttp import web
from prometheus_client.aiohttp import make_aiohttp_handler

from loadgen.driving.control import (
    MAXIMUM_BODY_BYTES,
    Control,
    Load,
    Slot,
    control_routes,
    problems,
    slots,
)
from loadgen.driving.exposition import Exposition
from loadgen.experiment.workload import Inputs, draw_inputs
from loadgen.sending.attack import Attack, ClosedLoop, OpenLoop
from loadgen.sending.connection import Address, RequestFailed
from services.catalog import BY_NAME
from services.settings import Settings

logger = logging.getLogger(__name__)

DEFAULT_PORT = 8090
TIMEOUT_SECONDS = 10.0
#: A slot is a row of attacks, at most so long: each is counted when it ends, and between two of
#: them a change takes effect.
_ATTACK_SECONDS = 0.5
#: What an attack gets to end by itself once something else is to be driven.
_GRACE_SECONDS = 0.7
#: After a service was away.
_RETRY_SECONDS = 1.0
#: Of an open loop: enough for any rate that a laptop bears, and few enough for PostgreSQL, to which
#: connection-pooling's naive variant opens as many.
_CONNECTIONS = 32
_SHUTDOWN_SECONDS = 0.5

Result = TypeVar("Result")


class Driver:
    """Sends, slot by slot, and counts what came back. What it keeps does not grow with time."""

    def __init__(self, addresses: Mapping[str, Address], seed: int, load: Load) -> None:
        self.control = Control(load)
        self.exposition = Exposition()
        self._addresses = addresses
        self._seed = seed
        self._inputs: dict[str, Inputs] = {}
        self._sent: dict[Slot, int] = {}

    async def run(self) -> None:
        """Returns never."""
        for number in itertools.count():
            await self._round(self.control.load, self.control.changed, number)

    async def _round(self, load: Load, changed: asyncio.Event, number: int) -> None:
        """Each slot once. A service that is away is left out, and tried in the next round."""
        turns = slots(load, number)
        self.exposition.intend(load.rate if load.running and load.rate else 0.0, turns)
        if not load.running:
            await changed.wait()
        away = set()
        for slot in turns:
            if changed.is_set():
                return
            if slot.technique not in away and not await self._reached(slot, load, changed):
                away.add(slot.technique)

    async def _reached(self, slot: Slot, load: Load, changed: asyncio.Event) -> bool:
        try:
            await self._drive(slot, load, changed)
        except RequestFailed as error:
            logger.warning("%s: %s", slot.technique, error)
            await _unless(changed, asyncio.sleep(_RETRY_SECONDS))
            return False
        return True

    async def _drive(self, slot: Slot, load: Load, changed: asyncio.Event) -> None:
        """Raises RequestFailed when the service's inputs cannot be drawn."""
        inputs = await self._inputs_of(slot.technique, changed)
        if inputs is None:
            return
        requests = inputs.encoded(self._addresses[slot.technique], slot.variant)
        with self._shown(slot):
            for attack in _attacks(load):
                await _unless(changed, self._attack(attack, slot, requests))
                if changed.is_set():
                    return

    @contextlib.contextmanager
    def _shown(self, slot: Slot) -> Iterator[None]:
        self.control.current = slot
        self.exposition.begin(slot)
        try:
            yield
        finally:
            self.exposition.end(slot)
            self.control.current = None

    async def _attack(self, attack: Attack, slot: Slot, requests: Sequence[bytes]) -> None:
        """Goes on in the requests where the last one ended. One that is given up is not counted."""
        first = self._sent.get(slot, 0)
        tally = await attack.run(self._addresses[slot.technique], requests, first)
        self._sent[slot] = (first + tally.sent) % len(requests)
        self.exposition.count(slot, tally)

    async def _inputs_of(self, technique: str, changed: asyncio.Event) -> Inputs | None:
        """Drawn when the service first answers, and kept; None when there is no time for it."""
        if technique not in self._inputs:
            address = self._addresses[technique]
            drawing = draw_inputs(BY_NAME[technique], address, self._seed, TIMEOUT_SECONDS)
            inputs = await _unless(changed, drawing)
            if inputs is None:
                return None
            self._inputs[technique] = inputs
        return self._inputs[technique]


def _attacks(load: Load) -> list[Attack]:
    """Together as long as a slot."""
    count = max(1, round(load.slot_seconds / _ATTACK_SECONDS))
    shape: ClosedLoop | OpenLoop
    if load.rate is None:
        shape = ClosedLoop(load.concurrency, load.pause)
    else:
        shape = OpenLoop(load.rate, maximum_connections=max(_CONNECTIONS, load.concurrency))
    return [Attack(shape, load.slot_seconds / count, TIMEOUT_SECONDS)] * count


async def _unless(changed: asyncio.Event, work: Coroutine[Any, Any, Result]) -> Result | None:
    """The work's result; None when a change came, and the work did not end soon after."""
    working = asyncio.ensure_future(work)
    change = asyncio.ensure_future(changed.wait())
    try:
        await asyncio.wait({working, change}, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.wait({working}, timeout=_GRACE_SECONDS)
        return working.result() if working.done() else None
    finally:
        working.cancel()
        change.cancel()
        await asyncio.gather(working, change, return_exceptions=True)


def drive(
    addresses: Mapping[str, Address], seed: int, settings: Settings, load: Load | None = None
) -> None:
    """Load, and serve the control, until SIGTERM or SIGINT. Raises OSError if the port is taken."""
    logging.basicConfig(level=settings.log_level, format="%(asctime)s %(levelname)s %(message)s")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(Driver(addresses, seed, load or Load()), settings))


async def _serve(driver: Driver, settings: Settings) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    runner = web.AppRunner(
        application_of(driver), access_log=None, shutdown_timeout=_SHUTDOWN_SECONDS
    )
    await runner.setup()
    try:
        await web.TCPSite(runner, settings.host, settings.port or DEFAULT_PORT).start()
        await stop.wait()
    finally:
        await runner.cleanup()


def application_of(driver: Driver) -> web.Application:
    """Serves the control, and drives for as long as it does."""
    application = web.Application(middlewares=[problems], client_max_size=MAXIMUM_BODY_BYTES)
    application.cleanup_ctx.append(_driving(driver))
    application.router.add_get("/healthz", _alive)
    application.router.add_get("/readyz", _alive)
    application.router.add_get("/metrics", make_aiohttp_handler(driver.exposition.registry))
    application.router.add_routes(control_routes(driver.control))
    return application


def _driving(driver: Driver) -> Any:
    async def context(application: web.Application) -> AsyncIterator[None]:
        task = asyncio.create_task(driver.run(), name="driver")
        yield
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    return context


async def _alive(request: web.Request) -> web.Response:
    return web.json_response({"status": "alive"})
