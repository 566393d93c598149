"""The standard library's file handler: each record is written and flushed before the next line."""

import logging
from collections.abc import AsyncIterator
from logging.handlers import RotatingFileHandler

from aiohttp import web

from services.async_logging.outcomes import RECORDS, Outcomes
from services.async_logging.record import Record, as_line
from services.async_logging.work import log_the_work
from services.chassis.application import SETTINGS

LOGGER = web.AppKey("logger", logging.Logger)
OUTCOMES = web.AppKey("naive_outcomes", Outcomes)

FILE_NAME = "records-naive.log"


async def naive(request: web.Request) -> web.Response:
    logger = request.app[LOGGER]
    outcomes = request.app[OUTCOMES]

    def log(record: Record) -> None:
        logger.info(record)
        outcomes.written(1)

    return log_the_work(request, log)


async def open_logger(application: web.Application) -> AsyncIterator[None]:
    """A cleanup context: a logger of its own, not part of the process's logging."""
    settings = application[SETTINGS]
    handler = RotatingFileHandler(
        settings.log_directory / FILE_NAME,
        maxBytes=settings.log_file_megabytes * 1_000_000,
        backupCount=1,
        encoding="utf-8",
    )
    handler.setFormatter(_JsonFormatter())
    # Not from logging.getLogger: that one would be shared by every application of a process.
    logger = logging.Logger("records", logging.INFO)  # noqa: LOG001
    logger.addHandler(handler)
    application[LOGGER] = logger
    application[OUTCOMES] = Outcomes(application[RECORDS], "naive")
    yield
    handler.close()


class _JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        assert isinstance(record.msg, dict)  # noqa: S101 - this logger is given records alone
        return as_line(record.msg)
