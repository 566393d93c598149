"""Assembles the service: four variants, their counts, and a shutdown that writes queued records."""

import logging
from collections.abc import AsyncIterator
from time import monotonic

from aiohttp import web

from services.async_logging.drain_deadline import DRAIN, DrainDeadline
from services.async_logging.naive import naive, open_loggers
from services.async_logging.optimized import open_pipelines, optimized
from services.async_logging.queue_listener import open_queued_loggers, queue_listener
from services.async_logging.record_counter import RECORDS, RecordCounter
from services.async_logging.task_per_record import open_task_loggers, task_per_record
from services.async_logging.technique import TECHNIQUE
from services.chassis.application import create_service
from services.chassis.metrics import METRICS
from services.settings import Settings

logger = logging.getLogger(__name__)


def create(settings: Settings) -> web.Application:
    handlers = {
        "naive": naive,
        "optimized": optimized,
        "queue": queue_listener,
        "aiologger": task_per_record,
    }
    application = create_service(TECHNIQUE, settings, handlers)
    application[RECORDS] = RecordCounter(application[METRICS].registry)
    application[DRAIN] = DrainDeadline(settings.log_drain_seconds, monotonic)
    # aiohttp ends the contexts in reverse order, so log_outcomes runs after all have drained.
    application.cleanup_ctx.extend(
        [log_outcomes, open_loggers, open_task_loggers, open_queued_loggers, open_pipelines]
    )
    return application


async def log_outcomes(application: web.Application) -> AsyncIterator[None]:
    """A cleanup context that logs the final counts, because the metrics end with the process."""
    yield
    for variant, counts in application[RECORDS].totals().items():
        outcomes = ", ".join(f"{count} {outcome}" for outcome, count in counts.items())
        logger.info("records of %s: %s", variant, outcomes)
