"""`loadgen drive`: load without end, one variant at a time, so that none spoils another."""

import asyncio
import contextlib
import logging
import signal
from collections.abc import AsyncIterator, Mapping

import uvloop
from aiohttp import web
from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector
from prometheus_client.aiohttp import make_aiohttp_handler

from loadgen.attack import Attack, Tally
from loadgen.connection import Address, RequestFailed
from loadgen.workload import Inputs, draw_inputs
from services.catalog import TECHNIQUES
from services.contract import Technique
from services.settings import Settings
from services.telemetry import LOADGEN_REQUEST_DURATION, LOADGEN_REQUESTS, Metric

logger = logging.getLogger(__name__)

DEFAULT_PORT = 8090
#: Gentle enough to leave the machine to its owner: two clients that pause between requests.
SLOT = Attack(concurrency=2, duration=1.0, timeout=10.0, pause=0.01)
_RETRY_SECONDS = 1.0


class Driver:
    """Sends, slot by slot, and counts what came back."""

    def __init__(self, addresses: Mapping[str, Address], seed: int) -> None:
        self._addresses = addresses
        self._seed = seed
        self._inputs: dict[str, Inputs] = {}
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._requests = Counter(*_facts(LOADGEN_REQUESTS), registry=self.registry)
        self._durations = Histogram(
            *_facts(LOADGEN_REQUEST_DURATION),
            buckets=LOADGEN_REQUEST_DURATION.buckets,
            registry=self.registry,
        )

    async def run(self) -> None:
        """Returns never. A service that is away is left out of a round and tried in the next."""
        while True:
            for technique in TECHNIQUES:
                try:
                    await self._drive(technique)
                except RequestFailed as error:
                    logger.warning("%s: %s", technique.name, error)
                    await asyncio.sleep(_RETRY_SECONDS)

    async def _drive(self, technique: Technique) -> None:
        """One slot for each variant; inputs are drawn when the service first answers, and kept."""
        address = self._addresses[technique.name]
        inputs = self._inputs.get(technique.name)
        if inputs is None:
            inputs = await draw_inputs(technique, address, self._seed, SLOT.timeout)
            self._inputs[technique.name] = inputs
        for variant in technique.variant_names():
            tally = await SLOT.run(address, inputs.encoded(address, variant))
            self._count(technique.name, variant, tally)

    def _count(self, technique: str, variant: str, tally: Tally) -> None:
        self._requests.labels(technique, variant, "ok").inc(len(tally.latencies))
        self._requests.labels(technique, variant, "error").inc(tally.errors)
        durations = self._durations.labels(technique, variant)
        for latency in tally.latencies:
            durations.observe(latency)


def _facts(metric: Metric) -> tuple[str, str, tuple[str, ...]]:
    return metric.name, metric.description, metric.labels


def drive(addresses: Mapping[str, Address], seed: int, settings: Settings) -> None:
    """Load, and serve /metrics, until SIGTERM or SIGINT. Raises OSError if the port is taken."""
    logging.basicConfig(level=settings.log_level, format="%(asctime)s %(levelname)s %(message)s")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(Driver(addresses, seed), settings))


async def _serve(driver: Driver, settings: Settings) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    runner = web.AppRunner(_application(driver), access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, settings.host, settings.port or DEFAULT_PORT).start()
        await stop.wait()
    finally:
        await runner.cleanup()


def _application(driver: Driver) -> web.Application:
    async def driving(application: web.Application) -> AsyncIterator[None]:
        task = asyncio.create_task(driver.run(), name="driver")
        yield
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    async def alive(request: web.Request) -> web.Response:
        return web.json_response({"status": "alive"})

    application = web.Application()
    application.cleanup_ctx.append(driving)
    application.router.add_get("/healthz", alive)
    application.router.add_get("/readyz", alive)
    application.router.add_get("/metrics", make_aiohttp_handler(driver.registry))
    return application
