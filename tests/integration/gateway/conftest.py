"""Gateways in front of real servers."""

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer, unused_port
from aiohttp.typedefs import Handler
from pytest_aiohttp import AiohttpClient, AiohttpServer

from gateway import replicas
from gateway.app import create
from services.catalog import BY_NAME
from services.local.ports import free_port
from services.settings import Settings
from tests.conftest import Client
from tests.integration.gateway.backends import (
    GatewayBefore,
    GatewayOfNames,
    Names,
    StartReplica,
    own_address,
)


@pytest.fixture
def gateway_before(aiohttp_server: AiohttpServer, aiohttp_client: AiohttpClient) -> GatewayBefore:
    async def start(handler: Handler, **changes: object) -> Client:
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", handler)
        server = await aiohttp_server(application)
        upstreams = dict.fromkeys(BY_NAME, str(server.make_url("")))
        settings = Settings.model_validate({"upstreams": upstreams, **changes})
        client: Client = await aiohttp_client(create(settings))
        return client

    return start


@pytest.fixture
async def gateway_without_services(aiohttp_client: AiohttpClient) -> Client:
    upstreams = dict.fromkeys(BY_NAME, f"http://127.0.0.1:{unused_port()}")
    client: Client = await aiohttp_client(create(Settings(upstreams=upstreams)))
    return client


@pytest.fixture
def port() -> int:
    """The port of all replicas. Each replica has its own address, as containers do."""
    return free_port()


@pytest.fixture
def replica(aiohttp_server: AiohttpServer, port: int) -> StartReplica:
    async def start(address: str, handler: Handler = own_address) -> TestServer:
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", handler)
        server: TestServer = await aiohttp_server(application, host=address, port=port)
        return server

    return start


@pytest.fixture
def gateway_of_names(
    aiohttp_client: AiohttpClient, port: int, monkeypatch: pytest.MonkeyPatch
) -> GatewayOfNames:
    monkeypatch.setattr(replicas, "RESOLVE_SECONDS", 0.01)

    async def start(names: Names) -> Client:
        settings = Settings(upstreams={"caching": f"http://caching:{port}"})
        client: Client = await aiohttp_client(create(settings, names.resolve))
        return client

    return start
