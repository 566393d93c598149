"""Request ids: kept if acceptable, else generated."""

import re

import pytest
from aiohttp import web

from services.chassis.application import json_response
from services.chassis.request_context import REQUEST_ID
from tests.unit.services.chassis.example_service import (
    ServiceOf,
)

GENERATED_ID = re.compile(r"[0-9a-f]{32}")


@pytest.mark.parametrize("sent", ["a", "0af7651916cd43dd-8448:eb211c80._319c", "x" * 64])
async def test_an_acceptable_request_id_is_kept(service_of: ServiceOf, sent: str) -> None:
    async def echo(request: web.Request) -> web.Response:
        return json_response(REQUEST_ID.get())

    client = await service_of(naive=echo)
    response = await client.get("/made-up/naive", headers={"X-Request-ID": sent})
    assert response.headers["X-Request-ID"] == sent
    assert await response.json() == sent


@pytest.mark.parametrize("sent", ["", " ", "x" * 65, "a b", "a;b", "a\u00e9", '{"a":1}'])
async def test_an_unacceptable_request_id_is_replaced(service_of: ServiceOf, sent: str) -> None:
    client = await service_of()
    response = await client.get("/made-up/naive", headers={"X-Request-ID": sent})
    assert GENERATED_ID.fullmatch(response.headers["X-Request-ID"])


async def test_generated_request_ids_are_distinct(service_of: ServiceOf) -> None:
    client = await service_of()
    responses = [await client.get("/made-up/naive") for _ in range(20)]
    names = {response.headers["X-Request-ID"] for response in responses}
    assert len(names) == 20


async def test_a_problem_document_contains_the_request_id(service_of: ServiceOf) -> None:
    client = await service_of()
    response = await client.get("/nowhere", headers={"X-Request-ID": "the-request"})
    assert response.headers["X-Request-ID"] == "the-request"
    assert (await response.json())["request_id"] == "the-request"
