"""What every technique of the catalog promises, asked of every one of them."""

from pathlib import Path
from random import Random
from urllib.parse import urlencode

import pytest

from loadgen.experiment.decoding import document_of
from loadgen.experiment.inputs import sample
from loadgen.sending.connection import Address, Connection, encode_request
from services.catalog import TECHNIQUES
from services.contract import Followed, IntegerParameter, Need, Technique
from tests.conftest import ROOT, Client, ClientOf, samples

FILES = {"README.md", "technique.py", "naive.py", "optimized.py", "app.py"}

each_technique = pytest.mark.parametrize("technique", TECHNIQUES, ids=lambda each: each.name)


def queries(technique: Technique, count: int) -> list[dict[str, str]]:
    """Inputs of the default workload, without the cursors that only the service can hand out."""
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
    """What the load generator's own client understands: it knows every coding that is sent."""
    address = Address(client.host, client.port or 0)
    target = f"{technique.path(variant)}?{urlencode(query)}"
    connection = Connection(address, timeout=10, keep_body=True)
    headers = dict(technique.workload.headers)
    response = await connection.request(encode_request(address, target, headers))
    connection.close()
    assert response.status == 200, response.body
    return document_of(response)


@each_technique
def test_its_folder_has_the_files_that_every_technique_has(technique: Technique) -> None:
    folder = ROOT / "services" / technique.package
    assert {path.name for path in folder.iterdir()} >= FILES


@each_technique
def test_its_card_names_its_variants_and_when_it_loses(technique: Technique) -> None:
    card = (ROOT / "services" / technique.package / "README.md").read_text("utf-8")
    for heading in ("## Naive", "## Optimized", "## When it loses", "## Measured", "## Knobs"):
        assert heading in card
    assert technique.question in card


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
async def test_the_card_and_openapi_tell_what_is_served(
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
async def test_readiness_names_what_it_needs(technique: Technique, client_of: ClientOf) -> None:
    client = await client_of(technique.name)
    response = await client.get("/readyz")
    assert response.status == 200
    assert (await response.json())["dependencies"].keys() == {str(need) for need in technique.needs}


@each_technique
async def test_readiness_fails_while_the_database_is_away(
    technique: Technique, client_of: ClientOf
) -> None:
    if Need.REDIS not in technique.needs:
        return
    client = await client_of(technique.name, redis_port=1)
    response = await client.get("/readyz")
    assert response.status == 503
    assert not (await response.json())["dependencies"]["redis"]["ok"]


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


def test_there_are_no_folders_that_the_catalog_does_not_know() -> None:
    folders = {path.parent.name for path in Path(ROOT / "services").glob("*/technique.py")}
    assert folders == {technique.package for technique in TECHNIQUES}
