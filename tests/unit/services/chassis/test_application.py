"""The application of a technique, served by a real server."""

from aiohttp import web

from services.chassis.application import json_response
from services.chassis.request_context import VARIANT
from tests.unit.services.chassis.example_service import (
    PROBLEM,
    ServiceOf,
)
from tests.unit.services.example_technique import MADE_UP


async def test_each_variant_is_a_route(service_of: ServiceOf) -> None:
    async def other(request: web.Request) -> web.Response:
        return json_response(VARIANT.get())

    client = await service_of(optimized=other)
    assert await (await client.get("/made-up/naive")).json() == {"items": [1, 1, 1]}
    assert await (await client.get("/made-up/optimized")).json() == "optimized"


async def test_a_handler_receives_validated_parameters(service_of: ServiceOf) -> None:
    client = await service_of()
    response = await client.get("/made-up/naive", params={"count": 2})
    assert await response.json() == {"items": [1, 1]}


async def test_a_parameter_out_of_bounds_never_reaches_the_handler(service_of: ServiceOf) -> None:
    async def unreachable(request: web.Request) -> web.Response:
        raise AssertionError

    client = await service_of(naive=unreachable)
    response = await client.get("/made-up/naive", params={"count": 11})
    assert (response.status, response.content_type) == (400, PROBLEM)
    document = await response.json()
    assert document["parameter"] == "count"
    assert document["bound"] == "a whole number from 1 to 10"


async def test_the_card_is_at_the_path_of_the_technique(service_of: ServiceOf) -> None:
    client = await service_of()
    response = await client.get("/made-up")
    assert response.content_type == "application/json"
    assert await response.json() == MADE_UP.card()


async def test_openapi_describes_every_route(service_of: ServiceOf) -> None:
    client = await service_of()
    document = await (await client.get("/openapi.json")).json()
    assert list(document["paths"]) == ["/made-up", "/made-up/naive", "/made-up/optimized"]
