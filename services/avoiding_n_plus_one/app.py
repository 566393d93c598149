"""Wiring."""

from aiohttp import web

from services.avoiding_n_plus_one.naive import naive
from services.avoiding_n_plus_one.optimized import optimized
from services.avoiding_n_plus_one.technique import TECHNIQUE
from services.chassis.application import create_service
from services.chassis.postgres import use_postgres
from services.settings import Settings


def create(settings: Settings) -> web.Application:
    application = create_service(TECHNIQUE, settings, {"naive": naive, "optimized": optimized})
    use_postgres(application, settings)
    return application
