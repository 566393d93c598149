"""Creates applications: health, metrics, and for a technique its variants, card and OpenAPI.

handler_wrapper.py wraps every handler, routes.py adds the routes, serve.py runs the application.
"""

from collections.abc import Mapping

import orjson
from aiohttp import web
from aiohttp.typedefs import Handler

from services import telemetry
from services.chassis.deadlines import Deadlines
from services.chassis.event_loop_lag import watch_event_loop
from services.chassis.handler_wrapper import HANDLER_WRAPPER, HandlerWrapper
from services.chassis.health import CHECKS, health_routes
from services.chassis.metrics import METRICS, Metrics, metrics_routes
from services.chassis.openapi import openapi
from services.chassis.parameters import PARAMETERS, read_parameters
from services.chassis.routes import add_fallback, add_route
from services.contract import Technique
from services.settings import Settings

SETTINGS = web.AppKey("settings", Settings)


def json_response(document: object) -> web.Response:
    """A response with the document as JSON, encoded by orjson."""
    return web.Response(body=orjson.dumps(document), content_type="application/json")


def document_handler(document: object) -> Handler:
    """A handler that always responds with this JSON document. The document is encoded once."""
    body = orjson.dumps(document)

    async def answer(request: web.Request) -> web.Response:
        return web.Response(body=body, content_type="application/json")

    return answer


def create_application(
    name: str,
    settings: Settings,
    requests: telemetry.RequestMetrics = telemetry.SERVICE_REQUESTS,
) -> web.Application:
    """An application with health and metrics. The caller adds the other routes."""
    metrics = Metrics(name, requests)
    deadlines = Deadlines(settings.request_timeout)
    application = web.Application()
    application[METRICS] = metrics
    application[HANDLER_WRAPPER] = HandlerWrapper(metrics, deadlines, settings.slow_request)
    application[SETTINGS] = settings
    application[CHECKS] = {}
    application.add_routes([*health_routes(), *metrics_routes(metrics)])
    metrics.gauge(telemetry.ACTIVE_REQUESTS).labels(name).set_function(lambda: len(deadlines))
    application.cleanup_ctx.extend([watch_event_loop, deadlines.watch])
    application.on_startup.append(_add_fallback)
    return application


async def _add_fallback(application: web.Application) -> None:
    add_fallback(application)


def create_service(
    technique: Technique, settings: Settings, handlers: Mapping[str, Handler]
) -> web.Application:
    """The application of a technique: a route for each declared variant, the card, OpenAPI.

    `handlers` maps variant names to handlers. Raises KeyError when a declared variant has none.
    """
    application = create_application(technique.name, settings)
    for variant in technique.variant_names():
        handler = _with_parameters(technique, handlers[variant])
        add_route(application, "GET", technique.path(variant), variant, handler)
    card = document_handler(technique.card())
    document = document_handler(openapi(technique.title, [technique]))
    add_route(application, "GET", technique.path(), "card", card)
    application.router.add_get("/openapi.json", document)
    return application


def _with_parameters(technique: Technique, handler: Handler) -> Handler:
    if not technique.parameters:
        return handler

    async def checked(request: web.Request) -> web.StreamResponse:
        request[PARAMETERS] = read_parameters(technique.parameters, request)
        return await handler(request)

    return checked
