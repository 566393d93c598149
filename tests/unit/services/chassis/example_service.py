"""The service of the example technique: its handler, and the names of its metric samples."""

from collections.abc import Awaitable, Callable

from aiohttp import web

from services.chassis.application import json_response
from services.chassis.parameters import PARAMETERS
from tests.conftest import Client

#: Starts a service with these handlers and changed settings; returns its client.
ServiceOf = Callable[..., Awaitable[Client]]
PROBLEM = "application/problem+json"
#: The name of the sample of active requests.
ACTIVE = 'http_server_active_requests{technique="made-up"}'


async def respond_with_items(request: web.Request) -> web.Response:
    return json_response({"items": [1] * request[PARAMETERS].integer("count")})


def duration(kind: str, variant: str, status: int, method: str = "GET") -> str:
    """The name of a sample of the request durations, as the exposition writes it."""
    return (
        f'http_server_request_duration_seconds_{kind}{{http_request_method="{method}",'
        f'http_response_status_code="{status}",technique="made-up",variant="{variant}"}}'
    )
