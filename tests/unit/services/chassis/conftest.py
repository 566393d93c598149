"""A running service of the example technique."""

import pytest
from aiohttp.typedefs import Handler
from pytest_aiohttp import AiohttpClient

from services.chassis.application import create_service
from services.settings import Settings
from tests.conftest import Client
from tests.unit.services.chassis.example_service import ServiceOf, respond_with_items
from tests.unit.services.example_technique import MADE_UP


@pytest.fixture
def service_of(aiohttp_client: AiohttpClient) -> ServiceOf:
    """Start a service with two handlers and changed settings; return its client."""

    async def start(
        naive: Handler = respond_with_items,
        optimized: Handler = respond_with_items,
        **changes: float,
    ) -> Client:
        settings = Settings().model_copy(update=changes)
        handlers = {"naive": naive, "optimized": optimized}
        client: Client = await aiohttp_client(create_service(MADE_UP, settings, handlers))
        return client

    return start
