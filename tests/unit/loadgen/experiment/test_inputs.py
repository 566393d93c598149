"""Inputs: drawn from the declared distributions, equal for equal seeds, links followed."""

import itertools
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from random import Random
from typing import Any
from urllib.parse import parse_qsl

import pytest
from aiohttp import web
from pytest_aiohttp import AiohttpServer

from loadgen.experiment.inputs import INPUTS, Inputs, draw_inputs, sample, with_constants
from loadgen.sending.connection import Address, RequestFailed
from services.contract import Constant, Draw, Followed, Technique, Uniform, Workload, Zipf
from tests.unit.services.example_technique import MADE_UP

#: No server listens on this port: drawing from a distribution needs no service.
UNREACHABLE = Address("127.0.0.1", 1)


def technique(draws: Mapping[str, Draw]) -> Technique:
    return replace(MADE_UP, workload=Workload("Made up.", draws, {"Accept-Encoding": "gzip"}))


def test_a_constant_has_one_value() -> None:
    assert sample(Constant(7), Random(1), 3) == [7, 7, 7]


def test_a_uniform_draw_has_every_value_equally_often() -> None:
    counts = Counter(sample(Uniform(3, 7), Random(1), 50_000))
    assert set(counts) == {3, 4, 5, 6, 7}
    assert all(count == pytest.approx(10_000, rel=0.05) for count in counts.values())


def test_a_zipf_draw_with_exponent_1_has_rank_k_with_weight_one_over_k() -> None:
    counts = Counter(sample(Zipf(1_000, 1.0), Random(1), 100_000))
    assert set(counts) <= set(range(1, 1_001))
    assert counts[1] == pytest.approx(2 * counts[2], rel=0.1)
    assert counts[1] == pytest.approx(10 * counts[10], rel=0.15)


def test_a_larger_zipf_exponent_gives_the_first_ranks_more_weight() -> None:
    flat, steep = (Counter(sample(Zipf(100, s), Random(1), 10_000)) for s in (0.5, 1.5))
    assert steep[1] > 2 * flat[1]


def test_a_constant_replaces_the_declared_draw() -> None:
    changed = with_constants(technique({"count": Uniform(1, 10)}), ["count=7", "cursor=a-b"])
    assert changed.workload.draws == {"count": Constant(7), "cursor": Constant("a-b")}
    assert changed.workload.description == "Made up; with count=7, cursor=a-b."
    assert changed.workload.headers == {"Accept-Encoding": "gzip"}


def test_without_constants_the_technique_is_unchanged() -> None:
    assert with_constants(MADE_UP, []) is MADE_UP


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "count",
            "'count' sets no parameter: write NAME=VALUE; parameters of made-up: count, cursor",
        ),
        ("colour=red", "'colour=red' sets no parameter"),
        ("count=11", "count: '11' is not a whole number from 1 to 10"),
    ],
)
def test_an_invalid_constant_is_refused_with_a_reason(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        with_constants(MADE_UP, [text])


async def test_a_query_string_has_every_declared_parameter() -> None:
    draws: dict[str, Draw] = {"count": Constant(3), "id": Uniform(1, 10_000)}
    inputs = await draw_inputs(technique(draws), UNREACHABLE, seed=1, timeout=1)
    assert len(inputs.queries) == INPUTS
    rows = [dict(parse_qsl(query)) for query in inputs.queries]
    assert {tuple(row) for row in rows} == {("count", "id")}
    assert {row["count"] for row in rows} == {"3"}
    assert len({row["id"] for row in rows}) > 400


async def test_inputs_depend_on_the_seed() -> None:
    draws = {"id": Uniform(1, 10_000)}
    one, same, other = [
        await draw_inputs(technique(draws), UNREACHABLE, seed=seed, timeout=1) for seed in (1, 1, 2)
    ]
    assert one.queries == same.queries != other.queries


async def test_a_workload_without_draws_has_one_request() -> None:
    inputs = await draw_inputs(technique({}), UNREACHABLE, seed=1, timeout=1)
    assert len(inputs.encoded(UNREACHABLE, "naive")) == 1


def test_requests_have_the_headers_of_the_workload() -> None:
    inputs = Inputs(technique({}), ("count=3",))
    (encoded,) = inputs.encoded(Address("localhost", 8080), "naive")
    lines = encoded.decode("ascii").split("\r\n")
    assert lines[0] == "GET /made-up/naive?count=3 HTTP/1.1"
    assert lines[-2:] == ["", ""]
    assert set(lines[1:-2]) == {"Host: localhost:8080", "Accept: */*", "Accept-Encoding: gzip"}


def test_a_request_keeps_the_encoding_of_its_query() -> None:
    inputs = Inputs(technique({}), ("cursor=a%26b%3D+c",))
    (encoded,) = inputs.encoded(UNREACHABLE, "optimized")
    assert encoded.startswith(b"GET /made-up/optimized?cursor=a%26b%3D+c HTTP/1.1\r\n")


class Linked:
    """A service whose pages are numbered from the last one back to the first."""

    def __init__(self, pages: int) -> None:
        self.queries: list[str] = []
        self._pages = pages

    async def handle(self, request: web.Request) -> web.Response:
        self.queries.append(request.query_string)
        number = int(request.query.get("cursor", self._pages + 1))
        links: dict[str, Any] = {"last": f"?cursor={self._pages}&limit=1", "prev": None}
        if number > 1:
            links["prev"] = f"?cursor={number - 1}&limit=1"
        return web.json_response({"links": links})


async def served(aiohttp_server: AiohttpServer, handler: Any) -> Address:
    application = web.Application()
    application.router.add_get("/made-up/optimized", handler)
    server = await aiohttp_server(application)
    assert server.port is not None
    return Address("127.0.0.1", server.port)


async def test_links_are_followed_until_there_are_enough_values(
    aiohttp_server: AiohttpServer,
) -> None:
    service = Linked(pages=10)
    address = await served(aiohttp_server, service.handle)
    followed = technique({"cursor": Followed("last", "prev", 4), "limit": Constant(1)})
    inputs = await draw_inputs(followed, address, seed=1, timeout=10)
    assert set(inputs.queries) == {f"cursor={number}&limit=1" for number in (10, 9, 8, 7)}
    assert service.queries == ["limit=1", *(f"cursor={number}&limit=1" for number in (10, 9, 8))]


async def test_the_first_request_has_the_query_of_the_draw(aiohttp_server: AiohttpServer) -> None:
    service = Linked(pages=10)
    address = await served(aiohttp_server, service.handle)
    followed = technique({"cursor": Followed("last", "prev", 2, query={"total": "exact"})})
    inputs = await draw_inputs(followed, address, seed=1, timeout=10)
    assert set(inputs.queries) == {"cursor=10", "cursor=9"}
    assert service.queries == ["total=exact", "cursor=10&limit=1"]


async def test_a_chain_of_links_that_ends_early_is_a_failure(aiohttp_server: AiohttpServer) -> None:
    address = await served(aiohttp_server, Linked(pages=2).handle)
    followed = technique({"cursor": Followed("last", "prev", 4)})
    with pytest.raises(RequestFailed, match="the response has no link 'prev'"):
        await draw_inputs(followed, address, seed=1, timeout=10)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([], "has no link 'last'"),
        ({"links": None}, "has no link 'last'"),
        ({"links": {"last": 7}}, "has no link 'last'"),
        ({"links": {"last": "?limit=20"}}, "has no parameter 'cursor'"),
    ],
)
async def test_a_response_without_the_link_is_a_failure(
    aiohttp_server: AiohttpServer, document: object, message: str
) -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.json_response(document)

    address = await served(aiohttp_server, handler)
    followed = technique({"cursor": Followed("last", "prev", 4)})
    with pytest.raises(RequestFailed, match=message):
        await draw_inputs(followed, address, seed=1, timeout=10)


async def test_an_unreachable_service_is_a_failure() -> None:
    followed = technique({"cursor": Followed("last", "prev", 4)})
    with pytest.raises(RequestFailed, match=r"cannot connect to http://127\.0\.0\.1:1: "):
        await draw_inputs(followed, UNREACHABLE, seed=1, timeout=10)


async def test_techniques_draw_different_inputs_from_one_seed() -> None:
    one = technique({"id": Uniform(1, 10_000)})
    other = replace(one, name="other")
    drawn = [await draw_inputs(each, UNREACHABLE, seed=1, timeout=1) for each in (one, other)]
    assert all(a.queries != b.queries for a, b in itertools.pairwise(drawn))
