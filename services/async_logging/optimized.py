"""A hand-over to the queue; a task writes what is in it, many records at a time."""

import logging
from collections.abc import AsyncIterator

from aiohttp import web

from services import telemetry
from services.async_logging.batch_file import BatchFile
from services.async_logging.log_queue import LogQueue
from services.async_logging.outcomes import RECORDS, Outcomes
from services.async_logging.technique import TECHNIQUE
from services.async_logging.work import log_the_work
from services.chassis.application import SETTINGS
from services.chassis.metrics import METRICS

logger = logging.getLogger(__name__)

QUEUE = web.AppKey("queue", LogQueue)

FILE_NAME = "records-optimized.log"


async def optimized(request: web.Request) -> web.Response:
    return log_the_work(request, request.app[QUEUE].offer)


async def open_queue(application: web.Application) -> AsyncIterator[None]:
    """A cleanup context: the queue, written out before the process ends."""
    settings = application[SETTINGS]
    path = settings.log_directory / FILE_NAME
    sink = BatchFile(str(path), settings.log_file_megabytes * 1_000_000)
    outcomes = Outcomes(application[RECORDS], "optimized")
    queue = LogQueue(sink, outcomes, settings.log_queue_size)
    depth = application[METRICS].gauge(telemetry.LOG_QUEUE_DEPTH).labels(TECHNIQUE.name)
    depth.set_function(lambda: queue.depth)
    application[QUEUE] = queue
    queue.start()
    yield
    lost = await queue.close(settings.shutdown_timeout)
    if lost:
        logger.error("%d log records were not written within the deadline", lost)
