"""How routes are added: observed, and with an answer for every path that is none of them."""

from aiohttp import web
from aiohttp.typedefs import Handler

from services.chassis.metrics import METRICS
from services.chassis.observation import OBSERVATION

UNMATCHED = "unmatched"


def add_route(
    application: web.Application,
    method: str,
    path: str,
    variant: str,
    handler: Handler,
    technique: str = "",
) -> None:
    """Count its requests under the technique (the application's own if none) and the variant."""
    label = (technique or application[METRICS].technique, variant)
    observed = application[OBSERVATION].of(label, handler)
    if method == "GET":
        application.router.add_get(path, observed)  # HEAD as well
    else:
        application.router.add_route(method, path, observed)


def add_fallback(application: web.Application) -> None:
    """The last route: whatever no other takes. Add it when all others are there."""
    add_route(application, "*", "/{path:.*}", UNMATCHED, _unmatched)


async def _unmatched(request: web.Request) -> web.StreamResponse:
    allowed: set[str] = set()
    for resource in request.app.router.resources():
        if resource is not request.match_info.route.resource:
            _, methods = await resource.resolve(request)
            allowed |= methods
    if allowed:
        raise web.HTTPMethodNotAllowed(request.method, sorted(allowed))
    raise web.HTTPNotFound(text=f"there is nothing at {request.path}")
