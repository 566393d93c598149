"""Assembles the gateway: a route for each variant, and one for a technique's other paths.

proxy.py forwards requests, replicas.py chooses the replica, upstream_check.py checks readiness.
"""

from collections.abc import AsyncIterator

from aiohttp import web
from aiohttp.typedefs import Handler
from yarl import URL

from gateway.index import index
from gateway.proxy import SESSION, open_session, proxy_to
from gateway.replicas import Replicas, Resolve, keep_resolving, resolve_addresses
from gateway.upstream_check import any_replica_ready
from services.catalog import BY_NAME, TECHNIQUES, upstreams
from services.chassis.application import create_application, document_handler
from services.chassis.errors import NotFound
from services.chassis.health import CHECKS
from services.chassis.metrics import METRICS
from services.chassis.openapi import openapi
from services.chassis.routes import UNMATCHED, add_route
from services.contract import Technique
from services.settings import InvalidSettings, Settings
from services.telemetry import GATEWAY_REPLICAS, GATEWAY_REQUESTS, GATEWAY_RETRIES

UPSTREAMS = web.AppKey("upstreams", dict[str, Replicas])

#: The variant of all other paths of a technique. They share a label: their number is unbounded.
_OTHER = "other"


def create(settings: Settings, resolve: Resolve = resolve_addresses) -> web.Application:
    """The gateway. Raises InvalidSettings when LAB_UPSTREAMS is wrong.

    `resolve` looks up the addresses of a host name.
    """
    replicas = {name: Replicas(base) for name, base in _bases(settings).items()}
    application = create_application("gateway", settings, GATEWAY_REQUESTS)
    application[UPSTREAMS] = replicas
    add_route(application, "GET", "/", "index", index)
    _add_techniques(application)
    for path in ("/{technique}", "/{technique}/{path:.*}"):
        add_route(application, "*", path, UNMATCHED, _unknown_technique)
    document = document_handler(openapi("API Performance Lab", TECHNIQUES))
    application.router.add_get("/openapi.json", document)
    resolving = keep_resolving(replicas.values(), resolve)
    application.cleanup_ctx.extend([open_session, resolving, _add_checks])
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
        raise ValueError(f"{base!r} is not an address; write it as http://host:port")


def _add_techniques(application: web.Application) -> None:
    metrics = application[METRICS]
    replica_count = metrics.gauge(GATEWAY_REPLICAS)
    retries = metrics.counter(GATEWAY_RETRIES)
    for technique in TECHNIQUES:
        name = technique.name
        replicas = application[UPSTREAMS][name]
        replica_count.labels(name).set_function(replicas.__len__)
        _add_technique(application, technique, proxy_to(name, replicas, retries.labels(name).inc))


def _add_technique(application: web.Application, technique: Technique, proxy: Handler) -> None:
    for variant in technique.variant_names():
        path = technique.path(variant)
        add_route(application, "*", path, variant, proxy, technique.name)
    for path in (technique.path(), technique.path() + "/{path:.*}"):
        add_route(application, "*", path, _OTHER, proxy, technique.name)


async def _unknown_technique(request: web.Request) -> web.StreamResponse:
    name = request.match_info["technique"][:64]
    raise NotFound(f"{name!r} is not a technique; use one of {', '.join(BY_NAME)}")


async def _add_checks(application: web.Application) -> AsyncIterator[None]:
    for name, replicas in application[UPSTREAMS].items():
        application[CHECKS][name] = any_replica_ready(application[SESSION], name, replicas)
    yield
