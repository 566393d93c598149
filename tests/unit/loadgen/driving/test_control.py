"""The control of continuous load: what may be asked, what is refused, and what is told."""

import contextlib
from datetime import UTC, datetime
from itertools import pairwise

import orjson
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from pytest_aiohttp import AiohttpClient

from loadgen.driving.control import (
    MAXIMUM_BODY_BYTES,
    Control,
    Load,
    Refused,
    Slot,
    control_routes,
    problems,
    slots,
)
from services.catalog import BY_NAME, TECHNIQUES
from tests.conftest import Client

ALL = [Slot(each.name, variant) for each in TECHNIQUES for variant in each.variant_names()]


@pytest.fixture
def control() -> Control:
    return Control()


@pytest.fixture
async def client(aiohttp_client: AiohttpClient, control: Control) -> Client:
    application = web.Application(middlewares=[problems], client_max_size=MAXIMUM_BODY_BYTES)
    application.router.add_routes(control_routes(control))
    client: Client = await aiohttp_client(application)
    return client


# Slots


def test_a_round_has_a_slot_for_every_variant_of_every_technique() -> None:
    assert slots(Load(), 0) == ALL


def test_the_next_round_has_the_variants_of_each_technique_the_other_way_round() -> None:
    load = Load(techniques=["pagination", "caching"])
    assert [slot.variant for slot in slots(load, 1)] == [
        *reversed(BY_NAME["pagination"].variant_names()),
        *reversed(BY_NAME["caching"].variant_names()),
    ]
    assert slots(load, 2) == slots(load, 0)


def test_no_variant_always_runs_after_the_same_one() -> None:
    turns = [slot for number in range(4) for slot in slots(Load(), number)]
    before: dict[Slot, set[Slot]] = {}
    for previous, slot in pairwise(turns):
        before.setdefault(slot, set()).add(previous)
    assert all(len(neighbours) > 1 for neighbours in before.values())


def test_a_technique_that_is_named_twice_gets_two_slots() -> None:
    load = Load(techniques=["caching", "pagination", "caching"], variants=["naive"])
    names = [slot.technique for slot in slots(load, 0)]
    assert names == ["caching", "pagination", "caching"]


def test_variants_that_were_not_chosen_have_no_slot() -> None:
    assert slots(Load(variants=["offset"]), 0) == [Slot("pagination", "offset")]


# Asking and changing


async def test_at_first_everything_is_driven_in_a_gentle_closed_loop(client: Client) -> None:
    state = await (await client.get("/drive")).json()
    assert abs(datetime.now(UTC) - datetime.fromisoformat(state.pop("since"))).total_seconds() < 10
    assert state == {
        "running": True,
        "rate": None,
        "concurrency": 2,
        "pause": 0.01,
        "techniques": list(BY_NAME),
        "variants": None,
        "slot_seconds": 0.4,
        "current": None,
    }


async def test_what_is_driven_at_this_moment_is_told(client: Client, control: Control) -> None:
    control.current = Slot("caching", "naive")
    state = await (await client.get("/drive")).json()
    assert state["current"] == {"technique": "caching", "variant": "naive"}


async def test_a_change_changes_what_it_names_and_answers_with_all(client: Client) -> None:
    before = await (await client.get("/drive")).json()
    changes = {"rate": 50, "techniques": ["pagination"], "variants": ["offset", "naive"]}
    response = await client.put("/drive", json=changes)
    assert response.status == 200
    after = await response.json()
    assert after == {**before, **changes, "since": after["since"]}
    assert datetime.fromisoformat(after["since"]) > datetime.fromisoformat(before["since"])
    assert await (await client.get("/drive")).json() == after


async def test_a_rate_of_null_is_a_closed_loop_again(client: Client) -> None:
    await client.put("/drive", json={"rate": 12.5})
    state = await (await client.put("/drive", json={"rate": None, "pause": 0})).json()
    assert (state["rate"], state["pause"]) == (None, 0)


async def test_it_is_stopped_and_started(client: Client) -> None:
    for action, running in (("stop", False), ("start", True)):
        response = await client.post(f"/drive/{action}")
        assert response.status == 200
        assert (await response.json())["running"] is running


async def test_a_change_is_signalled_once_to_whoever_drives_the_load_before_it() -> None:
    control = Control()
    before = control.changed
    control.change({"running": True})
    assert not before.is_set(), "nothing is otherwise than it was"
    control.change({"running": False})
    assert before.is_set()
    assert not control.changed.is_set()


# Refusing


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
async def test_a_wrong_value_is_refused_naming_the_field_and_its_bound(
    client: Client, name: str, value: object, bound: str
) -> None:
    before = await (await client.get("/drive")).json()
    response = await client.put("/drive", json={"concurrency": 9, name: value})
    problem = await response.json(content_type="application/problem+json")
    assert response.status == problem["status"] == 400
    assert problem["parameter"] == name
    assert bound in problem["bound"]
    assert problem["detail"].startswith(f"{name}: ")
    assert await (await client.get("/drive")).json() == before, "nothing of it was done"


async def test_a_variant_that_no_chosen_technique_has_is_refused(client: Client) -> None:
    await client.put("/drive", json={"variants": ["offset"]})
    response = await client.put("/drive", json={"techniques": ["caching"]})
    problem = await response.json(content_type="application/problem+json")
    assert (response.status, problem["parameter"]) == (400, "variants")
    assert problem["detail"] == "variants: 'offset' is no variant of caching"


@pytest.mark.parametrize(
    "body", ["", "null", "[]", "7", '"rate"', "{", '{"rate": NaN}', b"\xff", "{}x", "[" * 5000]
)
async def test_a_body_that_is_no_object_is_refused(client: Client, body: str | bytes) -> None:
    response = await client.put("/drive", data=body)
    problem = await response.json(content_type="application/problem+json")
    assert response.status == 400
    assert problem["detail"].startswith("the body ")
    assert "parameter" not in problem


async def test_nothing_to_change_is_no_mistake(client: Client) -> None:
    assert (await client.put("/drive", data="{}")).status == 200


async def test_a_body_that_is_too_long_is_not_read(client: Client) -> None:
    response = await client.put("/drive", data=b" " * (MAXIMUM_BODY_BYTES + 1))
    assert response.status == 413
    assert (await response.json(content_type="application/problem+json"))["status"] == 413


async def test_a_path_or_a_method_that_is_not_there_is_told_as_a_problem(client: Client) -> None:
    nowhere = await client.get("/nowhere")
    assert nowhere.status == 404
    assert (await nowhere.json(content_type="application/problem+json"))["title"] == "Not Found"
    refused = await client.delete("/drive")
    assert refused.status == 405
    assert set(refused.headers["Allow"].split(",")) == {"GET", "HEAD", "PUT"}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(), children),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from(sorted(Load.model_fields)) | st.text(), JSON))
def test_whatever_is_asked_for_is_done_within_bounds_or_refused_by_name(
    changes: dict[str, object],
) -> None:
    control = Control()
    with contextlib.suppress(Refused):
        control.change(changes)
    load = control.load
    assert slots(load, 0)
    assert load.rate is None or 0 < load.rate <= 100_000
    assert orjson.dumps(control.state())
