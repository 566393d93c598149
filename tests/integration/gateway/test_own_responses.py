"""The gateway's own responses: index, OpenAPI, readiness, metrics, and wrong settings."""

import pytest
from aiohttp import hdrs, web

from gateway.app import create
from services.catalog import BY_NAME, TECHNIQUES
from services.settings import InvalidSettings, Settings
from tests.conftest import Client, samples
from tests.integration.gateway.backends import (
    GatewayBefore,
    count,
    responding,
)


async def test_requests_are_counted_by_technique_and_variant(gateway_before: GatewayBefore) -> None:
    client = await gateway_before(responding(text="x"))
    for path in ("/caching/naive?id=1", "/caching/naive?id=2", "/caching/optimized", "/n-plus-one"):
        await client.get(path)
    assert await count(client, "200", "caching", "naive") == 2
    assert await count(client, "200", "caching", "optimized") == 1
    assert await count(client, "200", "n-plus-one", "other") == 1


async def test_unknown_paths_create_no_time_series(gateway_before: GatewayBefore) -> None:
    client = await gateway_before(responding(text="x"))
    await client.get("/caching/0")
    await client.get("/cashing/0")
    before = (await samples(client)).keys()
    for number in range(1, 20):
        await client.get(f"/caching/{number}/naive")
        await client.get(f"/cashing/{number}")
    assert {name for name in (await samples(client)).keys() - before if "{" in name} == set()


async def test_the_json_index_contains_the_card_of_every_technique(
    gateway_without_services: Client,
) -> None:
    response = await gateway_without_services.get("/")
    cards = (await response.json())["techniques"]
    assert cards == [technique.card() for technique in TECHNIQUES]


async def test_the_html_index_links_to_every_variant(
    gateway_without_services: Client,
) -> None:
    response = await gateway_without_services.get("/", headers={"Accept": "text/html,*/*;q=0.8"})
    assert response.content_type == "text/html"
    assert response.headers["Vary"] == hdrs.ACCEPT
    page = await response.text()
    for technique in TECHNIQUES:
        for variant in technique.variant_names():
            assert f'href="{technique.path(variant)}"' in page


async def test_openapi_describes_every_variant(gateway_without_services: Client) -> None:
    document = await (await gateway_without_services.get("/openapi.json")).json()
    expected = {
        technique.path(variant)
        for technique in TECHNIQUES
        for variant in ("", *technique.variant_names())
    }
    assert document["paths"].keys() == expected


async def test_the_gateway_is_ready_when_all_services_are(gateway_before: GatewayBefore) -> None:
    client = await gateway_before(responding(text="ready"))
    response = await client.get("/readyz")
    assert response.status == 200
    assert (await response.json())["dependencies"].keys() == BY_NAME.keys()


@pytest.mark.parametrize("status", [404, 503])
async def test_readyz_names_a_service_that_is_not_ready(
    gateway_before: GatewayBefore, status: int
) -> None:
    async def answer(request: web.Request) -> web.Response:
        assert request.path == "/readyz"
        return web.Response(status=status)

    client = await gateway_before(answer)
    response = await client.get("/readyz")
    assert response.status == 503
    assert not (await response.json())["dependencies"]["caching"]["ok"]


async def test_without_services_the_gateway_is_alive_but_not_ready(
    gateway_without_services: Client,
) -> None:
    assert (await gateway_without_services.get("/healthz")).status == 200
    assert (await gateway_without_services.get("/readyz")).status == 503


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("cashing", "http://127.0.0.1:8101"),
        ("caching", "127.0.0.1:8101"),
        ("caching", "localhost:8101"),
        ("caching", "http://"),
        ("caching", "http://127.0.0.1:99999"),
    ],
)
def test_a_wrong_upstream_setting_is_refused_with_one_line(name: str, address: str) -> None:
    with pytest.raises(InvalidSettings, match=r"^LAB_UPSTREAMS: .+$"):
        create(Settings(upstreams={name: address}))
