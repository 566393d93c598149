"""One application: the technique's variants, its card, and what an operator asks for."""

from collections.abc import Mapping

import orjson
from aiohttp import web
from aiohttp.typedefs import Handler

from services.chassis.health import CHECKS, health_routes
from services.chassis.lag import watch_event_loop
from services.chassis.metrics import METRICS, Metrics, metrics_routes
from services.chassis.observation import observation
from services.chassis.openapi import openapi
from services.chassis.parameters import PARAMETERS, read_parameters
from services.contract import Technique
from services.settings import Settings

SETTINGS = web.AppKey("settings", Settings)


def json_response(document: object) -> web.Response:
    return web.Response(body=orjson.dumps(document), content_type="application/json")


def document_handler(document: object) -> Handler:
    """A handler that always answers this JSON document."""
    body = orjson.dumps(document)

    async def answer(request: web.Request) -> web.Response:
        return web.Response(body=body, content_type="application/json")

    return answer


def create_application(name: str, settings: Settings) -> web.Application:
    """An application with health, metrics and observation, and no route of its own yet."""
    metrics = Metrics(name)
    application = web.Application(middlewares=[observation(metrics, settings.request_timeout)])
    application[METRICS] = metrics
    application[SETTINGS] = settings
    application[CHECKS] = {}
    application.add_routes([*health_routes(), *metrics_routes(metrics)])
    application.cleanup_ctx.append(watch_event_loop)
    return application


def create_service(
    technique: Technique, settings: Settings, handlers: Mapping[str, Handler]
) -> web.Application:
    """A technique's application: a route per declared variant, the card, OpenAPI."""
    application = create_application(technique.name, settings)
    for variant in technique.variant_names():
        handler = _with_parameters(technique, handlers[variant])
        application.router.add_get(technique.path(variant), handler, name=variant)
    card = document_handler(technique.card())
    document = document_handler(openapi(technique.title, [technique]))
    application.router.add_get(technique.path(), card, name="card")
    application.router.add_get("/openapi.json", document, name="openapi")
    return application


def _with_parameters(technique: Technique, handler: Handler) -> Handler:
    async def checked(request: web.Request) -> web.StreamResponse:
        request[PARAMETERS] = read_parameters(technique.parameters, request)
        return await handler(request)

    return checked
