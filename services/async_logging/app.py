"""Wiring."""

from aiohttp import web

from services import telemetry
from services.async_logging.naive import naive, open_logger
from services.async_logging.optimized import open_queue, optimized
from services.async_logging.outcomes import RECORDS
from services.async_logging.technique import TECHNIQUE
from services.chassis.application import create_service
from services.chassis.metrics import METRICS
from services.settings import Settings


def create(settings: Settings) -> web.Application:
    handlers = {"naive": naive, "optimized": optimized}
    application = create_service(TECHNIQUE, settings, handlers)
    application[RECORDS] = application[METRICS].counter(telemetry.LOG_RECORDS)
    application.cleanup_ctx.extend([open_logger, open_queue])
    return application
