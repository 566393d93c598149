"""Equality of responses: hashes, places of differences, and comparing the arms of a subject."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from pytest_aiohttp import AiohttpServer

from loadgen.experiment.equality import (
    Difference,
    canonical_hash,
    differing_place,
    distinct_indices,
    first_difference,
)
from loadgen.experiment.subject import Arm, Subject, with_control
from loadgen.sending.connection import Address, RequestFailed, encode_request

DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
    max_leaves=10,
)


@given(DOCUMENTS)
def test_a_document_equals_itself(document: Any) -> None:
    assert differing_place(document, document) is None


@pytest.mark.parametrize(
    ("one", "other"),
    [({"a": 1, "b": 2}, {"b": 2, "a": 1}), ([], []), (1, 1.0), ("\u00e9", "\u00e9")],
)
def test_values_that_json_does_not_distinguish_are_equal(one: object, other: object) -> None:
    assert differing_place(one, other) is None


@pytest.mark.parametrize(
    ("one", "other", "place"),
    [
        (1, 2, ("$", 1, 2)),
        (1, "1", ("$", 1, "1")),
        (1, True, ("$", 1, True)),
        (0, False, ("$", 0, False)),
        (None, False, ("$", None, False)),
        ([], {}, ("$", [], {})),
        ([1], [1, 2], ("$", [1], [1, 2])),
        ([1, 2, 3], [1, 3, 2], ("$[1]", 2, 3)),
        ({"a": 1}, {"b": 1}, ("$", {"a": 1}, {"b": 1})),
        ({"a": 1}, {"a": 1, "b": None}, ("$", {"a": 1}, {"a": 1, "b": None})),
        ({"a": [{"b": 1}]}, {"a": [{"b": 2}]}, ("$.a[0].b", 1, 2)),
        ({"a": [True]}, {"a": [1]}, ("$.a[0]", True, 1)),
    ],
)
def test_the_first_difference_is_found_with_its_place(
    one: object, other: object, place: tuple[str, object, object]
) -> None:
    assert differing_place(one, other) == place


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, True),
        (1, 1.0, True),
        ([1, 2], [2, 1], False),
        (1, True, False),
        ("text", "text", True),
        ("text", "other", False),
        (b"\xff", b"\xff", True),
        (b"\xff", b"\xfe", False),
    ],
)
def test_hashes_are_equal_for_values_that_json_does_not_distinguish(
    one: object, other: object, equal: bool
) -> None:
    assert (canonical_hash(one) == canonical_hash(other)) is equal


@given(DOCUMENTS, DOCUMENTS)
def test_hash_and_first_difference_agree(one: Any, other: Any) -> None:
    same = canonical_hash(one) == canonical_hash(other)
    assert same is (differing_place(one, other) is None)


def test_a_difference_is_written_as_one_line() -> None:
    difference = Difference("/optimized?count=3", "$.items", [1] * 100, "optimized", "short")
    text = str(difference)
    assert text.startswith("/optimized?count=3 at $.items: baseline [1, 1,")
    assert text.endswith("..., optimized 'short'")
    assert len(text) < 200


@pytest.mark.parametrize(("length", "is_shortened"), [(78, False), (79, True)])
def test_a_value_of_more_than_80_characters_is_shortened_to_80(
    length: int, is_shortened: bool
) -> None:
    written = str(Difference("/", "$", "x" * length, "B", None))
    value = written.removeprefix("/ at $: baseline ").removesuffix(", B None")
    assert len(value) == 80
    assert value.endswith("...") is is_shortened


@pytest.mark.parametrize(("number", "same"), [(2.0**52, True), (2.0**53, False), (1.5, False)])
def test_a_whole_float_equals_its_integer_while_floats_are_exact(number: float, same: bool) -> None:
    assert (canonical_hash(number) == canonical_hash(int(number))) is same


Handler = Callable[[web.Request], Awaitable[web.Response]]


async def served(aiohttp_server: AiohttpServer, **handlers: Handler) -> Subject:
    """A subject with these arms. Each arm has twelve distinct inputs, each of them twice."""
    application = web.Application()
    for name, handler in handlers.items():
        application.router.add_get(f"/{name}", handler)
    server = await aiohttp_server(application)
    assert server.port is not None
    address = Address("127.0.0.1", server.port)
    arms = []
    for name in handlers:
        targets = tuple(f"/{name}?count={number}" for number in range(12)) * 2
        requests = tuple(encode_request(address, target, {}) for target in targets)
        arms.append(Arm(name, address, targets, requests))
    return Subject("made-up", "Made up", "", with_control(arms))


async def echo(request: web.Request) -> web.Response:
    return web.json_response({"query": request.query_string})


async def spoiled(request: web.Request) -> web.Response:
    query = request.query_string
    return web.json_response({"query": "spoiled" if query == "count=9" else query})


async def test_a_repeated_request_has_no_distinct_index(aiohttp_server: AiohttpServer) -> None:
    subject = await served(aiohttp_server, naive=echo, optimized=echo)
    assert distinct_indices(subject) == list(range(12))


async def test_equal_responses_have_no_difference(aiohttp_server: AiohttpServer) -> None:
    subject = await served(aiohttp_server, naive=echo, optimized=echo)
    assert await first_difference(subject, range(12), timeout=10) is None


async def test_a_difference_in_one_of_many_inputs_is_found(aiohttp_server: AiohttpServer) -> None:
    subject = await served(aiohttp_server, naive=echo, optimized=spoiled)
    assert await first_difference(subject, range(9), timeout=10) is None
    found = await first_difference(subject, range(12), timeout=10)
    assert found == Difference("/optimized?count=9", "$.query", "count=9", "optimized", "spoiled")


async def test_a_difference_in_any_candidate_is_found(aiohttp_server: AiohttpServer) -> None:
    subject = await served(aiohttp_server, naive=echo, optimized=echo, other=spoiled)
    found = await first_difference(subject, [9], timeout=10)
    assert found is not None
    assert found.arm == "other"


async def test_bodies_that_are_not_json_are_compared_as_text_or_bytes(
    aiohttp_server: AiohttpServer,
) -> None:
    async def page(request: web.Request) -> web.Response:
        return web.Response(text="<html>")

    async def picture(request: web.Request) -> web.Response:
        return web.Response(body=b"\x89PNG\xff")

    async def thumbnail(request: web.Request) -> web.Response:
        return web.Response(body=b"\x89PNG\xfe")

    same = await served(aiohttp_server, one=picture, other=picture)
    assert await first_difference(same, [0], timeout=10) is None
    other_picture = await served(aiohttp_server, one=picture, other=thumbnail)
    assert await first_difference(other_picture, [0], timeout=10) is not None
    different = await served(aiohttp_server, one=page, other=picture)
    found = await first_difference(different, [0], timeout=10)
    assert found is not None
    assert found.place == "$"


async def test_an_undecodable_response_is_a_failure(
    aiohttp_server: AiohttpServer,
) -> None:
    async def strange(request: web.Request) -> web.Response:
        return web.Response(body=b"x", headers={"Content-Encoding": "rot13"})

    subject = await served(aiohttp_server, naive=strange)
    with pytest.raises(RequestFailed, match=r"/naive\?count=0: Content-Encoding 'rot13' is not"):
        await first_difference(subject, [0], timeout=10)


async def test_an_error_status_is_a_failure(aiohttp_server: AiohttpServer) -> None:
    async def refusal(request: web.Request) -> web.Response:
        return web.json_response({}, status=503)

    subject = await served(aiohttp_server, naive=refusal)
    with pytest.raises(RequestFailed, match="status 503"):
        await first_difference(subject, [0], timeout=10)
