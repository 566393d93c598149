"""The standard library's handlers: each record is written and flushed before the next line."""

import logging
from collections.abc import AsyncIterator, Mapping

from aiohttp import web

from services.async_logging.handlers import open_handler
from services.async_logging.outcomes import RECORDS, Outcomes
from services.async_logging.record import Record
from services.async_logging.technique import SINKS
from services.async_logging.work import log_the_work
from services.chassis.application import SETTINGS
from services.chassis.parameters import PARAMETERS

LOGGERS = web.AppKey("loggers", Mapping[str, logging.Logger])
OUTCOMES = web.AppKey("naive_outcomes", Outcomes)


async def naive(request: web.Request) -> web.Response:
    logger = request.app[LOGGERS][request[PARAMETERS].text("sink")]
    outcomes = request.app[OUTCOMES]

    def log(record: Record) -> None:
        outcomes.accepted(1)
        logger.info(record)

    return log_the_work(request, log)


async def open_loggers(application: web.Application) -> AsyncIterator[None]:
    """A cleanup context: loggers of its own, not part of the process's logging."""
    outcomes = application[RECORDS].of("naive")
    loggers = {}
    for sink in SINKS:
        # Not from logging.getLogger: that one would be shared by every application of a process.
        loggers[sink] = logging.Logger("records", logging.INFO)  # noqa: LOG001
        loggers[sink].addHandler(open_handler(application[SETTINGS], "naive", sink, outcomes))
    application[LOGGERS] = loggers
    application[OUTCOMES] = outcomes
    yield
    for logger in loggers.values():
        logger.handlers[0].close()
