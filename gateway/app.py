"""Wiring: a route for each variant of each technique, and one for whatever else is below it."""

from collections.abc import AsyncIterator

from aiohttp import web
from yarl import URL

from gateway.index import index
from gateway.proxy import SESSION, open_session, proxy_to, ready_at
from services.catalog import BY_NAME, TECHNIQUES, upstreams
from services.chassis.application import create_application, document_handler
from services.chassis.errors import NotFound
from services.chassis.health import CHECKS
from services.chassis.openapi import openapi
from services.chassis.routes import UNMATCHED, add_route
from services.contract import Technique
from services.settings import InvalidSettings, Settings
from services.telemetry import GATEWAY_REQUESTS

UPSTREAMS = web.AppKey("upstreams", dict[str, str])

#: Paths below a technique that are none of its variants count together: their number is unbounded.
_OTHER = "other"


def create(settings: Settings) -> web.Application:
    """Raises InvalidSettings when an upstream has no technique, or an address that is none."""
    bases = _bases(settings)
    application = create_application("gateway", settings, GATEWAY_REQUESTS)
    add_route(application, "GET", "/", "index", index)
    for technique in TECHNIQUES:
        _add_technique(application, technique, bases[technique.name])
    for path in ("/{technique}", "/{technique}/{path:.*}"):
        add_route(application, "*", path, UNMATCHED, _no_such_technique)
    document = document_handler(openapi("API Performance Lab", TECHNIQUES))
    application.router.add_get("/openapi.json", document)
    application[UPSTREAMS] = bases
    application.cleanup_ctx.extend([open_session, _add_checks])
    return application


def _bases(settings: Settings) -> dict[str, str]:
    try:
        bases = upstreams(settings.upstreams)
        for base in bases.values():
            _check_address(base)
    except ValueError as error:
        raise InvalidSettings(f"LAB_UPSTREAMS: {error}") from None
    return bases


def _check_address(base: str) -> None:
    url = URL(base)
    if url.scheme not in {"http", "https"} or not url.host:
        raise ValueError(f"{base!r} is no address; write it as http://host:port")


def _add_technique(application: web.Application, technique: Technique, base: str) -> None:
    proxy = proxy_to(technique.name, base)
    for variant in technique.variant_names():
        path = technique.path(variant)
        add_route(application, "*", path, variant, proxy, technique.name)
    for path in (technique.path(), technique.path() + "/{path:.*}"):
        add_route(application, "*", path, _OTHER, proxy, technique.name)


async def _no_such_technique(request: web.Request) -> web.StreamResponse:
    name = request.match_info["technique"][:64]
    raise NotFound(f"{name!r} is no technique; there are {', '.join(BY_NAME)}")


async def _add_checks(application: web.Application) -> AsyncIterator[None]:
    for name, base in application[UPSTREAMS].items():
        application[CHECKS][name] = ready_at(application[SESSION], base)
    yield
