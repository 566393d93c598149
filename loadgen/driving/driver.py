"""`loadgen drive`: continuous load, one variant at a time, so that variants do not compete.

`drive_api` shows and changes the load, `driver_metrics` exposes the generator's own metrics.
"""

import asyncio
import contextlib
import itertools
import logging
import os
import signal
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import uvloop
from aiohttp import web
from prometheus_client.aiohttp import make_aiohttp_handler

from loadgen.driving.continuous_load import ContinuousLoad, Slot, slots
from loadgen.driving.drive_api import MAXIMUM_BODY_BYTES, DriveState, drive_routes, problems
from loadgen.driving.driver_metrics import DriverMetrics
from loadgen.experiment.inputs import Inputs, draw_inputs
from loadgen.sending.attack import Attack, ClosedLoop, OpenLoop
from loadgen.sending.connection import Address, RequestFailed
from services.catalog import BY_NAME
from services.settings import Settings

logger = logging.getLogger(__name__)

DEFAULT_PORT = 8090
TIMEOUT_SECONDS = 10.0
#: Longest attack. A slot consists of attacks: metrics are updated after each, and a change takes
#: effect between two of them.
_ATTACK_SECONDS = 0.5
#: Time for an attack to end by itself after a change of load.
_GRACE_SECONDS = 0.7
#: Pause after a service was unavailable.
_RETRY_SECONDS = 1.0
#: Connections of an open loop. They bear any rate that a laptop bears. More would exhaust
#: PostgreSQL, because the naive variant of connection-pooling opens one connection per request.
_CONNECTIONS = 32
_SHUTDOWN_SECONDS = 0.5

Result = TypeVar("Result")


class Driver:
    """Sends load slot by slot and counts the responses. Its memory does not grow with time."""

    def __init__(self, addresses: Mapping[str, Address], seed: int, load: ContinuousLoad) -> None:
        self.state = DriveState(load)
        self.metrics = DriverMetrics()
        self._addresses = addresses
        self._seed = seed
        self._inputs: dict[str, Inputs] = {}
        self._next_request: dict[Slot, int] = {}

    async def run(self) -> None:
        """Run rounds until cancelled."""
        for round_number in itertools.count():
            await self._run_round(self.state.load, self.state.changed, round_number)

    async def _run_round(
        self, load: ContinuousLoad, changed: asyncio.Event, round_number: int
    ) -> None:
        """Run each slot once. Skip an unavailable service until the next round."""
        planned = slots(load, round_number)
        self.metrics.set_intended_rate(load.rate if load.running and load.rate else 0.0, planned)
        if not load.running:
            await changed.wait()
        unavailable = set()
        for slot in planned:
            if changed.is_set():
                return
            technique = slot.technique
            if technique not in unavailable and not await self._try_slot(slot, load, changed):
                unavailable.add(technique)

    async def _try_slot(self, slot: Slot, load: ContinuousLoad, changed: asyncio.Event) -> bool:
        """Run a slot. Returns False if its service is unavailable."""
        try:
            await self._run_slot(slot, load, changed)
        except RequestFailed as error:
            logger.warning("%s is left out of this round: %s", slot.technique, error)
            await _until_done_or_changed(changed, asyncio.sleep(_RETRY_SECONDS))
            return False
        return True

    async def _run_slot(self, slot: Slot, load: ContinuousLoad, changed: asyncio.Event) -> None:
        """Raises RequestFailed when drawing the inputs fails at the service."""
        inputs = await self._inputs_of(slot.technique, changed)
        if inputs is None:
            return
        requests = inputs.encoded(self._addresses[slot.technique], slot.variant)
        with self._active(slot):
            for attack in _attacks(load):
                await _until_done_or_changed(changed, self._attack(attack, slot, requests))
                if changed.is_set():
                    return

    @contextlib.contextmanager
    def _active(self, slot: Slot) -> Iterator[None]:
        self.state.current = slot
        self.metrics.begin(slot)
        try:
            yield
        finally:
            self.metrics.end(slot)
            self.state.current = None

    async def _attack(self, attack: Attack, slot: Slot, requests: Sequence[bytes]) -> None:
        """Continue with the request after the last one sent. A cancelled attack is not counted."""
        first = self._next_request.get(slot, 0)
        result = await attack.run(self._addresses[slot.technique], requests, first)
        self._next_request[slot] = (first + result.sent) % len(requests)
        self.metrics.count(slot, result)

    async def _inputs_of(self, technique: str, changed: asyncio.Event) -> Inputs | None:
        """Draw the inputs once and keep them. Returns None if a change came first."""
        if technique not in self._inputs:
            address = self._addresses[technique]
            drawing = draw_inputs(BY_NAME[technique], address, self._seed, TIMEOUT_SECONDS)
            inputs = await _until_done_or_changed(changed, drawing)
            if inputs is None:
                return None
            self._inputs[technique] = inputs
        return self._inputs[technique]


def _attacks(load: ContinuousLoad) -> list[Attack]:
    """The attacks of one slot. Their durations add up to the slot's."""
    count = max(1, round(load.slot_seconds / _ATTACK_SECONDS))
    shape: ClosedLoop | OpenLoop
    if load.rate is None:
        shape = ClosedLoop(load.concurrency, load.pause)
    else:
        shape = OpenLoop(load.rate, maximum_connections=max(_CONNECTIONS, load.concurrency))
    return [Attack(shape, load.slot_seconds / count, TIMEOUT_SECONDS)] * count


async def _until_done_or_changed(
    changed: asyncio.Event, work: Coroutine[Any, Any, Result]
) -> Result | None:
    """Return the result of `work`. After a change, cancel `work` unless it ends soon.

    Returns None for cancelled work.
    """
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
    addresses: Mapping[str, Address],
    seed: int,
    settings: Settings,
    load: ContinuousLoad | None = None,
) -> None:
    """Send load and serve the API until SIGTERM or SIGINT. Raises OSError if the port is in use."""
    logging.basicConfig(level=settings.log_level, format="%(asctime)s %(levelname)s %(message)s")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(Driver(addresses, seed, load or ContinuousLoad()), settings))


async def _serve(driver: Driver, settings: Settings) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    runner = web.AppRunner(
        create_application(driver), access_log=None, shutdown_timeout=_SHUTDOWN_SECONDS
    )
    await runner.setup()
    try:
        await _listen(runner, settings.host, settings.port or DEFAULT_PORT)
        await stop.wait()
    finally:
        await runner.cleanup()


async def _listen(runner: web.AppRunner, host: str, port: int) -> None:
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise OSError(
            f"cannot listen on {host}:{port} ({reason}): set LAB_PORT to another port"
        ) from error


def create_application(driver: Driver) -> web.Application:
    """The application that serves the API and runs the driver in the background."""
    application = web.Application(middlewares=[problems], client_max_size=MAXIMUM_BODY_BYTES)
    application.cleanup_ctx.append(_driving(driver))
    application.router.add_get("/healthz", _alive)
    application.router.add_get("/readyz", _alive)
    application.router.add_get("/metrics", make_aiohttp_handler(driver.metrics.registry))
    application.router.add_routes(drive_routes(driver.state))
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
