"""Event loop lag: how late timers fire because a blocking call holds up the event loop.

The lag delays every request of the process, not only the request that blocks.
"""

import asyncio
from collections.abc import AsyncIterator
from time import perf_counter

from aiohttp import web

from services import telemetry
from services.chassis.metrics import METRICS

INTERVAL_SECONDS = 0.1


async def watch_event_loop(application: web.Application) -> AsyncIterator[None]:
    """Cleanup context: ten times a second, observe by how many seconds a timer fired late."""
    metrics = application[METRICS]
    lag = metrics.histogram(telemetry.EVENT_LOOP_LAG).labels(metrics.technique)

    async def watch() -> None:
        while True:
            due = perf_counter() + INTERVAL_SECONDS
            await asyncio.sleep(INTERVAL_SECONDS)
            lag.observe(max(0.0, perf_counter() - due))

    task = asyncio.create_task(watch(), name="event loop lag")
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
