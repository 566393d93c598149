"""The health routes of a service: `/healthz` and `/readyz`."""

import asyncio

import pytest

from services.chassis import health
from services.chassis.health import CHECKS
from tests.unit.services.chassis.example_service import (
    ServiceOf,
)


async def test_healthz_returns_200(service_of: ServiceOf) -> None:
    client = await service_of()
    response = await client.get("/healthz")
    assert (response.status, await response.json()) == (200, {"status": "alive"})


async def test_readyz_returns_200_when_every_check_passes(service_of: ServiceOf) -> None:
    async def fine() -> None: ...

    client = await service_of()
    client.app[CHECKS]["postgres"] = fine
    response = await client.get("/readyz")
    document = await response.json()
    assert (response.status, document["status"]) == (200, "ready")
    assert document["dependencies"]["postgres"]["ok"] is True


async def test_readyz_names_the_failed_dependency(service_of: ServiceOf) -> None:
    async def fine() -> None: ...

    async def broken() -> None:
        raise ConnectionRefusedError("secret")

    client = await service_of()
    client.app[CHECKS].update(postgres=fine, redis=broken)
    response = await client.get("/readyz")
    document = await response.json()
    assert (response.status, document["status"]) == (503, "not ready")
    assert int(response.headers["Retry-After"]) > 0
    assert document["dependencies"]["postgres"]["ok"] is True
    assert document["dependencies"]["redis"] == {"ok": False, "error": "ConnectionRefusedError"}


async def test_a_check_that_hangs_counts_as_failed(
    service_of: ServiceOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "CHECK_TIMEOUT_SECONDS", 0.01)
    client = await service_of()
    client.app[CHECKS]["redis"] = asyncio.Event().wait
    response = await client.get("/readyz")
    assert response.status == 503
    dependencies = (await response.json())["dependencies"]
    assert dependencies == {"redis": {"ok": False, "error": "TimeoutError"}}
