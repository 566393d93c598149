"""Wiring."""

from aiohttp import web

from services import telemetry
from services.chassis.application import create_service
from services.chassis.metrics import METRICS
from services.chassis.postgres import use_postgres
from services.compression.naive import naive
from services.compression.optimized import COMPRESSED_BYTES, optimized
from services.compression.payload import keep_posts
from services.compression.technique import TECHNIQUE
from services.settings import Settings


def create(settings: Settings) -> web.Application:
    handlers = {"naive": naive, "optimized": optimized}
    application = create_service(TECHNIQUE, settings, handlers)
    use_postgres(application, settings)
    application[COMPRESSED_BYTES] = application[METRICS].counter(telemetry.COMPRESSION_BYTES)
    application.cleanup_ctx.append(keep_posts)
    return application
