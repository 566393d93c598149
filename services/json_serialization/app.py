"""Wiring."""

from aiohttp import web

from services.chassis.application import create_service
from services.chassis.postgres import use_postgres
from services.chassis.routes import add_route
from services.json_serialization.answer import use_encode_duration
from services.json_serialization.collector import spare_what_stays
from services.json_serialization.export import export
from services.json_serialization.fragments import fragments, use_encoded_rows
from services.json_serialization.msgspec import msgspec
from services.json_serialization.naive import naive
from services.json_serialization.optimized import optimized
from services.json_serialization.postgres import postgres
from services.json_serialization.rapidjson import rapidjson
from services.json_serialization.rows import keep_rows
from services.json_serialization.technique import TECHNIQUE
from services.json_serialization.ujson import ujson
from services.settings import Settings

_VARIANTS = (naive, optimized, msgspec, ujson, rapidjson, fragments, postgres)


def create(settings: Settings) -> web.Application:
    handlers = {handler.__name__: handler for handler in _VARIANTS}
    application = create_service(TECHNIQUE, settings, handlers)
    add_route(application, "GET", TECHNIQUE.path("export"), "export", export)
    use_postgres(application, settings)
    use_encode_duration(application)
    use_encoded_rows(application)
    application.cleanup_ctx.extend([keep_rows, spare_what_stays])
    return application
