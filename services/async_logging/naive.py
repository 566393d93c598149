"""Naive variant: the standard library's handlers write and flush each record during the request."""

import logging
from collections.abc import AsyncIterator, Mapping

from aiohttp import web

from services.async_logging.counting_handlers import open_handler
from services.async_logging.log_record import Record
from services.async_logging.order_check import check_order
from services.async_logging.record_counter import RECORDS, OutcomeCounts
from services.async_logging.technique import SINKS
from services.chassis.application import SETTINGS
from services.chassis.parameters import PARAMETERS

LOGGERS = web.AppKey("loggers", Mapping[str, logging.Logger])
COUNTS = web.AppKey("naive_counts", OutcomeCounts)


async def naive(request: web.Request) -> web.Response:
    logger = request.app[LOGGERS][request[PARAMETERS].text("sink")]
    counts = request.app[COUNTS]

    def log(record: Record) -> None:
        counts.accepted(1)
        logger.info(record)

    return check_order(request, log)


async def open_loggers(application: web.Application) -> AsyncIterator[None]:
    """A cleanup context that opens one logger per sink, apart from the process's own logging."""
    counts = application[RECORDS].new_counts("naive")
    loggers = {}
    for sink in SINKS:
        # logging.getLogger would share the logger between all applications of a process.
        loggers[sink] = logging.Logger("records", logging.INFO)  # noqa: LOG001
        loggers[sink].addHandler(open_handler(application[SETTINGS], "naive", sink, counts))
    application[LOGGERS] = loggers
    application[COUNTS] = counts
    yield
    for logger in loggers.values():
        logger.handlers[0].close()
