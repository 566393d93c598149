"""Wiring."""

from aiohttp import web

from services.chassis.application import create_service
from services.chassis.postgres import use_postgres
from services.json_serialization.answer import use_encode_duration
from services.json_serialization.naive import naive
from services.json_serialization.optimized import optimized
from services.json_serialization.rows import keep_rows
from services.json_serialization.technique import TECHNIQUE
from services.settings import Settings


def create(settings: Settings) -> web.Application:
    application = create_service(TECHNIQUE, settings, {"naive": naive, "optimized": optimized})
    use_postgres(application, settings)
    use_encode_duration(application)
    application.cleanup_ctx.append(keep_rows)
    return application
