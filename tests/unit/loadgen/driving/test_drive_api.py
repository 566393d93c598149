"""The HTTP interface of continuous load: showing, changing and refusing."""

from datetime import UTC, datetime

import pytest
from aiohttp import web
from pytest_aiohttp import AiohttpClient

from loadgen.driving.continuous_load import Slot
from loadgen.driving.drive_api import MAXIMUM_BODY_BYTES, DriveState, drive_routes, problems
from services.catalog import BY_NAME
from tests.conftest import Client


@pytest.fixture
def state() -> DriveState:
    return DriveState()


@pytest.fixture
async def client(aiohttp_client: AiohttpClient, state: DriveState) -> Client:
    application = web.Application(middlewares=[problems], client_max_size=MAXIMUM_BODY_BYTES)
    application.router.add_routes(drive_routes(state))
    client: Client = await aiohttp_client(application)
    return client


async def test_by_default_a_closed_loop_with_two_clients_loads_every_variant(
    client: Client,
) -> None:
    document = await (await client.get("/drive")).json()
    assert (
        abs(datetime.now(UTC) - datetime.fromisoformat(document.pop("since"))).total_seconds() < 10
    )
    assert document == {
        "running": True,
        "rate": None,
        "concurrency": 2,
        "pause": 0.01,
        "techniques": list(BY_NAME),
        "variants": None,
        "slot_seconds": 0.4,
        "current": None,
    }


async def test_the_present_slot_is_shown(client: Client, state: DriveState) -> None:
    state.current = Slot("caching", "naive")
    document = await (await client.get("/drive")).json()
    assert document["current"] == {"technique": "caching", "variant": "naive"}


async def test_a_change_replaces_the_given_fields_and_returns_all_fields(client: Client) -> None:
    before = await (await client.get("/drive")).json()
    changes = {"rate": 50, "techniques": ["pagination"], "variants": ["offset", "naive"]}
    response = await client.put("/drive", json=changes)
    assert response.status == 200
    after = await response.json()
    assert after == {**before, **changes, "since": after["since"]}
    assert datetime.fromisoformat(after["since"]) > datetime.fromisoformat(before["since"])
    assert await (await client.get("/drive")).json() == after


async def test_a_rate_of_null_switches_back_to_a_closed_loop(client: Client) -> None:
    await client.put("/drive", json={"rate": 12.5})
    document = await (await client.put("/drive", json={"rate": None, "pause": 0})).json()
    assert (document["rate"], document["pause"]) == (None, 0)


async def test_the_load_is_stopped_and_started(client: Client) -> None:
    for action, running in (("stop", False), ("start", True)):
        response = await client.post(f"/drive/{action}")
        assert response.status == 200
        assert (await response.json())["running"] is running


async def test_a_change_sets_the_event_of_the_previous_load_only() -> None:
    state = DriveState()
    before = state.changed
    state.change({"running": True})
    assert not before.is_set(), "the load is the same"
    state.change({"running": False})
    assert before.is_set()
    assert not state.changed.is_set()


BOUNDS = [
    ("running", 1, "true or false"),
    ("running", "true", "true or false"),
    ("running", None, "true or false"),
    ("rate", 0, "above 0 and at most 100000"),
    ("rate", -1, "above 0 and at most 100000"),
    ("rate", 100_001, "above 0 and at most 100000"),
    ("rate", "50", "above 0 and at most 100000"),
    ("rate", True, "above 0 and at most 100000"),
    ("concurrency", 0, "from 1 to 1000"),
    ("concurrency", 1001, "from 1 to 1000"),
    ("concurrency", 1.5, "from 1 to 1000"),
    ("concurrency", True, "from 1 to 1000"),
    ("pause", -0.1, "from 0 to 1"),
    ("pause", 1.1, "from 0 to 1"),
    ("techniques", [], "a list of caching, "),
    ("techniques", "caching", "a list of caching, "),
    ("techniques", None, "a list of caching, "),
    ("techniques", ["cashing"], "a list of caching, "),
    ("techniques", [7], "a list of caching, "),
    ("techniques", ["caching"] * 101, "a list of caching, "),
    ("variants", [], "or null for all of them"),
    ("variants", ["fast"], "or null for all of them"),
    ("variants", "naive", "or null for all of them"),
    ("slot_seconds", 0.09, "from 0.1 to 60"),
    ("slot_seconds", 61, "from 0.1 to 60"),
    ("slot_seconds", "1", "from 0.1 to 60"),
    ("speed", 1, "one of running, rate, concurrency, pause, techniques, variants, slot_seconds"),
    ("current", None, "one of running, rate, "),
]


@pytest.mark.parametrize(("name", "value", "bound"), BOUNDS)
async def test_an_invalid_value_is_refused_with_the_field_and_its_bound(
    client: Client, name: str, value: object, bound: str
) -> None:
    before = await (await client.get("/drive")).json()
    response = await client.put("/drive", json={"concurrency": 9, name: value})
    problem = await response.json(content_type="application/problem+json")
    assert response.status == problem["status"] == 400
    assert problem["parameter"] == name
    assert bound in problem["bound"]
    assert problem["detail"].startswith(f"{name}: ")
    assert await (await client.get("/drive")).json() == before, "no field changed"


async def test_a_variant_of_another_technique_is_refused(client: Client) -> None:
    await client.put("/drive", json={"variants": ["offset"]})
    response = await client.put("/drive", json={"techniques": ["caching"]})
    problem = await response.json(content_type="application/problem+json")
    assert (response.status, problem["parameter"]) == (400, "variants")
    assert problem["detail"] == "variants: 'offset' is not a variant of caching"


@pytest.mark.parametrize(
    "body", ["", "null", "[]", "7", '"rate"', "{", '{"rate": NaN}', b"\xff", "{}x", "[" * 5000]
)
async def test_a_body_that_is_not_a_json_object_is_refused(
    client: Client, body: str | bytes
) -> None:
    response = await client.put("/drive", data=body)
    problem = await response.json(content_type="application/problem+json")
    assert response.status == 400
    assert problem["detail"].startswith("the body ")
    assert "parameter" not in problem


async def test_an_empty_change_is_accepted(client: Client) -> None:
    assert (await client.put("/drive", data="{}")).status == 200


async def test_a_body_over_the_size_limit_gets_status_413(client: Client) -> None:
    response = await client.put("/drive", data=b" " * (MAXIMUM_BODY_BYTES + 1))
    assert response.status == 413
    assert (await response.json(content_type="application/problem+json"))["status"] == 413


async def test_an_unknown_path_or_method_gets_a_problem_document(client: Client) -> None:
    nowhere = await client.get("/nowhere")
    assert nowhere.status == 404
    assert (await nowhere.json(content_type="application/problem+json"))["title"] == "Not Found"
    refused = await client.delete("/drive")
    assert refused.status == 405
    assert set(refused.headers["Allow"].split(",")) == {"GET", "HEAD", "PUT"}
