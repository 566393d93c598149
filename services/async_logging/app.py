"""Wiring."""

import logging
from collections.abc import AsyncIterator
from time import monotonic

from aiohttp import web

from services.async_logging.aiologger import aiologger, open_task_loggers
from services.async_logging.drain import DRAIN, Drain
from services.async_logging.naive import naive, open_loggers
from services.async_logging.optimized import open_pipelines, optimized
from services.async_logging.outcomes import RECORDS, RecordCounter
from services.async_logging.queue import open_queues, queue
from services.async_logging.technique import TECHNIQUE
from services.chassis.application import create_service
from services.chassis.metrics import METRICS
from services.settings import Settings

logger = logging.getLogger(__name__)


def create(settings: Settings) -> web.Application:
    handlers = {"naive": naive, "optimized": optimized, "queue": queue, "aiologger": aiologger}
    application = create_service(TECHNIQUE, settings, handlers)
    application[RECORDS] = RecordCounter(application[METRICS].registry)
    application[DRAIN] = Drain(settings.log_drain_seconds, monotonic)
    # Torn down from the last to the first, which tells what has become of all records.
    contexts = [tell_outcomes, open_loggers, open_task_loggers, open_queues, open_pipelines]
    application.cleanup_ctx.extend(contexts)
    return application


async def tell_outcomes(application: web.Application) -> AsyncIterator[None]:
    """A cleanup context: the last line of the process's own log, which outlives its metrics."""
    yield
    for variant, counts in application[RECORDS].totals().items():
        told = ", ".join(f"{count} {outcome}" for outcome, count in counts.items())
        logger.info("records of %s: %s", variant, told)
