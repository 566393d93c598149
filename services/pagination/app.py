"""Wiring."""

from aiohttp import web

from services.chassis.application import create_service
from services.chassis.postgres import use_postgres
from services.pagination.naive import naive
from services.pagination.offset import offset
from services.pagination.optimized import optimized
from services.pagination.technique import TECHNIQUE
from services.settings import Settings


def create(settings: Settings) -> web.Application:
    handlers = {"naive": naive, "optimized": optimized, "offset": offset}
    application = create_service(TECHNIQUE, settings, handlers)
    use_postgres(application, settings)
    return application
