"""A hand-over to a bounded queue; a thread writes what is in it, many records at a time."""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from time import monotonic
from typing import NamedTuple

from aiohttp import web

from services import telemetry
from services.async_logging.drain import DRAIN
from services.async_logging.handlers import file_path
from services.async_logging.log_queue import LogQueue
from services.async_logging.log_writer import LogWriter, Sink
from services.async_logging.outcomes import RECORDS
from services.async_logging.policy import policy_named
from services.async_logging.request_log import RequestLog, Rules
from services.async_logging.sampling import rates_of
from services.async_logging.sinks import RotatingFile, Stream
from services.async_logging.technique import SINKS, TECHNIQUE
from services.async_logging.work import log_the_work
from services.chassis.application import SETTINGS
from services.chassis.metrics import METRICS
from services.chassis.parameters import PARAMETERS
from services.chassis.request_context import REQUEST_ID
from services.settings import Settings

logger = logging.getLogger(__name__)

_STDOUT = 1


class Pipeline(NamedTuple):
    queue: LogQueue
    writer: LogWriter


PIPELINES = web.AppKey("pipelines", Mapping[str, Pipeline])
RULES = web.AppKey("rules", Rules)


async def optimized(request: web.Request) -> web.Response:
    queue = request.app[PIPELINES][request[PARAMETERS].text("sink")].queue
    async with RequestLog(REQUEST_ID.get(), queue, request.app[RULES], monotonic) as request_log:
        return log_the_work(request, request_log.log)


async def open_pipelines(application: web.Application) -> AsyncIterator[None]:
    """A cleanup context: a queue and its writer for each sink, written out before the end."""
    settings = application[SETTINGS]
    rates = rates_of(TECHNIQUE.path("optimized"), settings.log_sampling)
    application[RULES] = Rules(rates, settings.slow_request)
    pipelines = {sink: _open(application, sink) for sink in SINKS}
    application[PIPELINES] = pipelines
    depth = application[METRICS].gauge(telemetry.LOG_QUEUE_DEPTH).labels(TECHNIQUE.name)
    depth.set_function(lambda: sum(each.queue.waiting for each in pipelines.values()))
    yield
    closing = [each.writer.close(application[DRAIN].left()) for each in pipelines.values()]
    lost = sum(await asyncio.gather(*closing))
    if lost:
        logger.error("%d log records were not written within the deadline", lost)


def _open(application: web.Application, sink: str) -> Pipeline:
    settings = application[SETTINGS]
    policy = policy_named(settings.log_policy, settings.log_block_seconds)
    queue = LogQueue(settings.log_queue_size, policy, application[RECORDS].of("optimized"))
    writer = LogWriter(queue, _sink(settings, sink))
    writer.start()
    return Pipeline(queue, writer)


def _sink(settings: Settings, sink: str) -> Sink:
    if sink == "stdout":
        return Stream(_STDOUT)
    path = file_path(settings, "optimized", sink)
    maximum_bytes = settings.log_file_megabytes * 1_000_000
    return RotatingFile(path, maximum_bytes, durable=sink == "fsync")
