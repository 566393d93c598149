"""Every technique of the catalog answers, refuses, reports and counts by the same rules."""

import asyncio
from random import Random
from urllib.parse import urlencode

import pytest

from loadgen.experiment.decoding import document_of
from loadgen.experiment.inputs import sample
from loadgen.sending.connection import Address, Connection, encode_request
from services.catalog import TECHNIQUES
from services.contract import Followed, IntegerParameter, Need, Technique
from services.settings import Settings
from tests.conftest import Client, ClientOf, samples
from tests.integration.faulty_proxy import Fault, FaultyProxy

each_technique = pytest.mark.parametrize("technique", TECHNIQUES, ids=lambda each: each.name)
each_dependency = pytest.mark.parametrize(
    ("technique", "need"),
    [
        pytest.param(technique, need, id=f"{technique.name}-{need}")
        for technique in TECHNIQUES
        for need in sorted(technique.needs)
    ],
)
#: How the settings of each dependency begin.
SERVERS = {Need.POSTGRES: "database", Need.REDIS: "redis"}


def queries(technique: Technique, count: int) -> list[dict[str, str]]:
    """Inputs of the default workload, without cursors, since only the service can make those."""
    random = Random(technique.name)
    draws = technique.workload.draws
    columns = {
        name: sample(draw, random, count)
        for name, draw in draws.items()
        if not isinstance(draw, Followed)
    }
    return [{name: str(values[row]) for name, values in columns.items()} for row in range(count)]


async def answer(
    client: Client, technique: Technique, variant: str, query: dict[str, str]
) -> object:
    """The decoded answer, read by the load generator's client, which decodes every coding."""
    address = Address(client.host, client.port or 0)
    target = f"{technique.path(variant)}?{urlencode(query)}"
    connection = Connection(address, timeout=10, keep_body=True)
    headers = dict(technique.workload.headers)
    response = await connection.request(encode_request(address, target, headers))
    connection.close()
    assert response.status == 200, response.body
    return document_of(response)


@each_technique
async def test_all_variants_give_the_same_answer(technique: Technique, client_of: ClientOf) -> None:
    client = await client_of(technique.name)
    for query in [{}, *queries(technique, 6)]:
        answers = [
            await answer(client, technique, variant, query) for variant in technique.variant_names()
        ]
        assert all(each == answers[0] for each in answers)
        assert answers[0]


@each_technique
async def test_card_and_openapi_list_every_variant(
    technique: Technique, client_of: ClientOf
) -> None:
    client = await client_of(technique.name)
    card = await (await client.get(technique.path())).json()
    assert card["question"] == technique.question
    paths = (await (await client.get("/openapi.json")).json())["paths"]
    for variant in card["variants"]:
        assert variant["path"] in paths
        assert (await client.get(variant["path"])).status == 200


@each_technique
async def test_bad_input_is_refused_naming_parameter_and_bound(
    technique: Technique, client_of: ClientOf
) -> None:
    client = await client_of(technique.name)
    for parameter in technique.parameters:
        bad = ["x y", "1" * 300]
        if isinstance(parameter, IntegerParameter):
            bad += [str(parameter.minimum - 1), str(parameter.maximum + 1), "", "1.5"]
        for variant in technique.variant_names():
            for value in bad:
                response = await client.get(technique.path(variant), params={parameter.name: value})
                problem = await response.json(content_type="application/problem+json")
                assert response.status == problem["status"] == 400
                assert problem["parameter"] == parameter.name
                assert problem["bound"] == parameter.bound
                assert problem["request_id"] == response.headers["X-Request-ID"]


@each_technique
async def test_an_unknown_parameter_is_refused_by_name(
    technique: Technique, client_of: ClientOf
) -> None:
    client = await client_of(technique.name)
    response = await client.get(technique.path("naive"), params={"nosuch": "1"})
    assert response.status == 400
    problem = await response.json(content_type="application/problem+json")
    assert problem["parameter"] == "nosuch"


@each_technique
async def test_readiness_reports_each_dependency_by_name(
    technique: Technique, client_of: ClientOf
) -> None:
    client = await client_of(technique.name)
    response = await client.get("/readyz")
    assert response.status == 200
    assert (await response.json())["dependencies"].keys() == {str(need) for need in technique.needs}


@each_dependency
async def test_readiness_fails_while_a_dependency_is_unreachable_and_recovers(
    technique: Technique, need: Need, client_of: ClientOf, settings: Settings
) -> None:
    port = f"{SERVERS[need]}_port"
    proxy = FaultyProxy(getattr(settings, port))
    await proxy.start()
    try:
        client = await client_of(technique.name, **{port: proxy.port})
        assert await unreachable_dependencies(client) == (200, set())
        proxy.inject(Fault.CUT)
        assert await unreachable_dependencies(client) == (503, {need})
        proxy.inject(Fault.NONE)
        async with asyncio.timeout(20):
            while await unreachable_dependencies(client) != (200, set()):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
    finally:
        await proxy.close()


async def unreachable_dependencies(client: Client) -> tuple[int, set[str]]:
    """The status of /readyz, and the dependencies that it reports as unreachable."""
    response = await client.get("/readyz")
    assert ("Retry-After" in response.headers) == (response.status == 503)
    dependencies = (await response.json())["dependencies"]
    return response.status, {name for name, found in dependencies.items() if not found["ok"]}


@each_technique
async def test_each_request_is_counted_under_its_variant(
    technique: Technique, client_of: ClientOf
) -> None:
    client = await client_of(technique.name)
    for count, variant in enumerate(technique.variant_names(), 1):
        for _ in range(count):
            await answer(client, technique, variant, {})
        name = (
            'http_server_request_duration_seconds_count{http_request_method="GET",'
            f'http_response_status_code="200",technique="{technique.name}",variant="{variant}"}}'
        )
        assert (await samples(client))[name] == count


@each_technique
def test_every_workload_parameter_is_declared(technique: Technique) -> None:
    declared = {parameter.name for parameter in technique.parameters}
    assert technique.workload.draws.keys() <= declared
