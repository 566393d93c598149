"""Assembles the JSON serialization service: variants, the export route, PostgreSQL, kept rows."""

from aiohttp import web

from services.chassis.application import create_service
from services.chassis.postgres import use_postgres
from services.chassis.routes import add_route
from services.json_serialization.database_encoding import postgres
from services.json_serialization.encoder_variants import msgspec, rapidjson, ujson
from services.json_serialization.export import export
from services.json_serialization.fragments import fragments, use_encoded_rows
from services.json_serialization.json_response import use_encode_duration
from services.json_serialization.kept_rows import freeze_collector, keep_rows
from services.json_serialization.naive import naive
from services.json_serialization.optimized import optimized
from services.json_serialization.technique import TECHNIQUE
from services.settings import Settings

_VARIANTS = {
    "naive": naive,
    "optimized": optimized,
    "msgspec": msgspec,
    "ujson": ujson,
    "rapidjson": rapidjson,
    "fragments": fragments,
    "postgres": postgres,
}


def create(settings: Settings) -> web.Application:
    application = create_service(TECHNIQUE, settings, _VARIANTS)
    add_route(application, "GET", TECHNIQUE.path("export"), "export", export)
    use_postgres(application, settings)
    use_encode_duration(application)
    use_encoded_rows(application)
    application.cleanup_ctx.extend([keep_rows, freeze_collector])
    return application
