"""Optimized variant: requests put records into a bounded queue, and a thread writes batches.

The path of a record: `request_log.py`, `log_queue.py`, `log_writer.py`, `sinks.py`.
"""

from collections.abc import AsyncIterator, Mapping
from time import monotonic
from typing import NamedTuple

from aiohttp import web

from services import telemetry
from services.async_logging.drain_deadline import drain
from services.async_logging.log_queue import LogQueue, overflow_policy
from services.async_logging.log_writer import LogWriter, Sink
from services.async_logging.order_check import check_order
from services.async_logging.record_counter import RECORDS
from services.async_logging.request_log import RequestLog
from services.async_logging.sampling import SamplingRules, shares_of_route
from services.async_logging.sinks import RotatingFile, Stream, record_file_path
from services.async_logging.technique import SINKS, TECHNIQUE
from services.chassis.application import SETTINGS
from services.chassis.metrics import METRICS
from services.chassis.parameters import PARAMETERS
from services.chassis.request_context import REQUEST_ID
from services.settings import Settings

_STDOUT = 1


class Pipeline(NamedTuple):
    """The queue and the writer of one sink."""

    queue: LogQueue
    writer: LogWriter


PIPELINES = web.AppKey("pipelines", Mapping[str, Pipeline])
RULES = web.AppKey("rules", SamplingRules)


async def optimized(request: web.Request) -> web.Response:
    queue = request.app[PIPELINES][request[PARAMETERS].text("sink")].queue
    async with RequestLog(REQUEST_ID.get(), queue, request.app[RULES], monotonic) as request_log:
        return check_order(request, request_log.log)


async def open_pipelines(application: web.Application) -> AsyncIterator[None]:
    """A cleanup context that opens a queue and a writer per sink, and drains them at the end."""
    settings = application[SETTINGS]
    shares = shares_of_route(TECHNIQUE.path("optimized"), settings.log_sampling)
    application[RULES] = SamplingRules(shares, settings.slow_request)
    pipelines = {sink: _open_pipeline(application, sink) for sink in SINKS}
    application[PIPELINES] = pipelines
    depth = application[METRICS].gauge(telemetry.LOG_QUEUE_DEPTH).labels(TECHNIQUE.name)
    depth.set_function(lambda: sum(each.queue.depth for each in pipelines.values()))
    yield
    await drain(application, "optimized", [each.writer for each in pipelines.values()])


def _open_pipeline(application: web.Application, sink: str) -> Pipeline:
    settings = application[SETTINGS]
    policy = overflow_policy(settings.log_policy, settings.log_block_seconds)
    counts = application[RECORDS].new_counts("optimized")
    queue = LogQueue(settings.log_queue_size, policy, counts)
    writer = LogWriter(queue, _open_sink(settings, sink))
    writer.start()
    return Pipeline(queue, writer)


def _open_sink(settings: Settings, sink: str) -> Sink:
    if sink == "stdout":
        return Stream(_STDOUT)
    path = record_file_path(settings.log_directory, "optimized", sink)
    maximum_bytes = settings.log_file_megabytes * 1_000_000
    return RotatingFile(path, maximum_bytes, durable=sink == "fsync")
