"""Assembles the service: a pool, query budgets, and a handler per variant."""

from aiohttp import web
from aiohttp.typedefs import Handler

from services.avoiding_n_plus_one.batch import batch
from services.avoiding_n_plus_one.budgeted_handler import budgeted, use_query_budgets
from services.avoiding_n_plus_one.join import join
from services.avoiding_n_plus_one.json_aggregation import json_aggregation
from services.avoiding_n_plus_one.naive import naive
from services.avoiding_n_plus_one.optimized import optimized
from services.avoiding_n_plus_one.technique import TECHNIQUE
from services.chassis.application import create_service
from services.chassis.postgres import use_postgres
from services.settings import Settings

_HANDLERS: dict[str, Handler] = {
    "naive": naive,
    "optimized": optimized,
    "batch": batch,
    "join": join,
    "json-aggregation": json_aggregation,
}


def create(settings: Settings) -> web.Application:
    handlers = {variant: budgeted(handler) for variant, handler in _HANDLERS.items()}
    application = create_service(TECHNIQUE, settings, handlers)
    use_query_budgets(application)
    use_postgres(application, settings)
    return application
