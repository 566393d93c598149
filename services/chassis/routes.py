"""Adds routes whose requests are counted, and a fallback route for every other path."""

from aiohttp import web
from aiohttp.typedefs import Handler

from services.chassis.handler_wrapper import HANDLER_WRAPPER
from services.chassis.metrics import METRICS

#: The variant of requests that no other route takes.
UNMATCHED = "unmatched"


def add_route(
    application: web.Application,
    method: str,
    path: str,
    variant: str,
    handler: Handler,
    technique: str = "",
) -> None:
    """Add a route whose requests are counted by technique and variant.

    Without `technique`, requests count for the application's technique.
    """
    label = (technique or application[METRICS].technique, variant)
    wrapped = application[HANDLER_WRAPPER].wrap(label, handler)
    if method == "GET":
        application.router.add_get(path, wrapped)  # also answers HEAD
    else:
        application.router.add_route(method, path, wrapped)


def add_fallback(application: web.Application) -> None:
    """Add the route for every other request. Add all other routes before this one."""
    add_route(application, "*", "/{path:.*}", UNMATCHED, _unmatched)


async def _unmatched(request: web.Request) -> web.StreamResponse:
    allowed: set[str] = set()
    for resource in request.app.router.resources():
        if resource is not request.match_info.route.resource:
            _, methods = await resource.resolve(request)
            allowed |= methods
    if allowed:
        raise web.HTTPMethodNotAllowed(request.method, sorted(allowed))
    raise web.HTTPNotFound(text=f"no route matches {request.path}")
