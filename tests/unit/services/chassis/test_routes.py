"""Routes, and the fallback for unknown paths and methods."""

import pytest

from tests.unit.services.chassis.example_service import (
    PROBLEM,
    ServiceOf,
)


@pytest.mark.parametrize("path", ["/", "/nowhere", "/made-up/", "/made-up/other", "//", "/%00"])
async def test_an_unknown_path_is_a_404_problem(service_of: ServiceOf, path: str) -> None:
    client = await service_of()
    response = await client.get(path)
    assert (response.status, response.content_type) == (404, PROBLEM)


@pytest.mark.parametrize("path", ["/made-up", "/made-up/naive", "/healthz", "/metrics"])
async def test_a_wrong_method_is_a_405_problem_with_the_allowed_methods(
    service_of: ServiceOf, path: str
) -> None:
    client = await service_of()
    response = await client.post(path)
    assert (response.status, response.content_type) == (405, PROBLEM)
    assert response.headers["Allow"] == "GET,HEAD"


async def test_head_has_the_headers_of_get_and_no_body(service_of: ServiceOf) -> None:
    client = await service_of()
    get, head = await client.get("/made-up/naive"), await client.head("/made-up/naive")
    assert head.status == 200
    assert head.headers["Content-Length"] == get.headers["Content-Length"]
    assert await head.read() == b""
