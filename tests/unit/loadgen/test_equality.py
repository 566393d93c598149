"""Where two answers first differ."""

from collections import Counter
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from pytest_aiohttp import AiohttpServer

from loadgen.connection import Address, RequestFailed
from loadgen.equality import SAMPLE, Difference, differing_place, first_difference
from loadgen.workload import Inputs
from tests.unit.services.made_up import MADE_UP

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
def test_what_json_does_not_tell_apart_is_equal(one: object, other: object) -> None:
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
def test_the_first_difference_is_told_with_its_place(
    one: object, other: object, place: tuple[str, object, object]
) -> None:
    assert differing_place(one, other) == place


def test_a_difference_reads_as_a_line() -> None:
    difference = Difference("count=3", "$.items", [1] * 100, "short")
    text = str(difference)
    assert text.startswith("?count=3 at $.items: naive [1, 1,")
    assert text.endswith("..., optimized 'short'")
    assert len(text) < 200


class Service:
    """Answers with the query, but for one query in its optimized variant."""

    def __init__(self, spoiled: str = "") -> None:
        self.asked: Counter[tuple[str, str]] = Counter()
        self._spoiled = spoiled

    async def handle(self, request: web.Request) -> web.Response:
        variant, query = request.match_info["variant"], request.query_string
        self.asked[variant, query] += 1
        spoiled = variant == "optimized" and query == self._spoiled
        return web.json_response({"query": "spoiled" if spoiled else query})

    async def start(self, aiohttp_server: AiohttpServer) -> Address:
        application = web.Application()
        application.router.add_get("/made-up/{variant}", self.handle)
        server = await aiohttp_server(application)
        assert server.port is not None
        return Address("127.0.0.1", server.port)


def inputs(count: int) -> Inputs:
    """So many queries, each of them twice."""
    return Inputs(MADE_UP, tuple(f"count={number}" for number in range(count)) * 2)


async def test_equal_answers_to_all_that_is_asked_are_no_difference(
    aiohttp_server: AiohttpServer,
) -> None:
    service = Service()
    address = await service.start(aiohttp_server)
    assert await first_difference(inputs(3), address, timeout=10) is None
    assert set(service.asked.values()) == {1}
    assert len(service.asked) == 6


async def test_no_more_than_a_sample_is_asked(aiohttp_server: AiohttpServer) -> None:
    service = Service()
    address = await service.start(aiohttp_server)
    await first_difference(inputs(SAMPLE + 10), address, timeout=10)
    assert service.asked.total() == 2 * SAMPLE


async def test_a_difference_in_one_input_of_many_is_found(aiohttp_server: AiohttpServer) -> None:
    address = await Service(spoiled="count=9").start(aiohttp_server)
    found = await first_difference(inputs(12), address, timeout=10)
    assert found == Difference("count=9", "$.query", "count=9", "spoiled")


async def test_an_answer_that_is_no_document_is_a_failure(aiohttp_server: AiohttpServer) -> None:
    async def page(request: web.Request) -> web.Response:
        return web.Response(text="<html>")

    application = web.Application()
    application.router.add_get("/made-up/naive", page)
    server = await aiohttp_server(application)
    assert server.port is not None
    with pytest.raises(RequestFailed, match=r"/made-up/naive\?count=0: status 200, no JSON"):
        await first_difference(inputs(1), Address("127.0.0.1", server.port), timeout=10)
