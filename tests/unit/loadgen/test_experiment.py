"""The verdict over finished blocks, and a whole experiment against a made-up service."""

import asyncio
from array import array
from collections import Counter
from random import Random
from typing import Any

import pytest
from aiohttp import web
from pytest_aiohttp import AiohttpServer

from loadgen import estimate, experiment
from loadgen.attack import Tally
from loadgen.connection import Address, RequestFailed
from loadgen.estimate import Verdict
from loadgen.experiment import Outcome, Settings, judge, measure
from loadgen.plan import Block
from services.contract import Technique
from tests.unit.services.made_up import MADE_UP

Blocks = list[tuple[Block, Tally]]


@pytest.fixture(autouse=True)
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(estimate, "RESAMPLES", 200)
    monkeypatch.setattr(experiment, "_SETTLE_SECONDS", 0.0)


def tally(median: float, requests: int = 100, errors: int = 0) -> Tally:
    """A block of a second whose requests took about so many seconds each."""
    latencies = [median * (0.5 + number / (requests - 1)) for number in range(requests)]
    return Tally(
        array("d", latencies),
        errors=errors,
        first_error="status 503" if errors else "",
        body_bytes=10 * requests,
        seconds=1.0,
    )


def blocks(ratios: list[float], **details: Any) -> Blocks:
    """Pairs in which naive took so many times as long as optimized."""
    made: Blocks = []
    for pair, ratio in enumerate(ratios):
        made.append((Block("naive", pair), tally(0.001 * ratio, **details)))
        made.append((Block("optimized", pair), tally(0.001, **details)))
    return made


def outcome_of(made: Blocks) -> Outcome:
    return judge(MADE_UP, made, Random(1))


def test_a_variant_that_takes_half_the_time_is_twice_as_fast() -> None:
    outcome = outcome_of(blocks([1.98, 2.0, 2.02, 2.0]))
    assert outcome.verdict is Verdict.FASTER
    assert outcome.speedup is not None
    assert outcome.speedup.estimate == pytest.approx(2.0, rel=0.01)
    assert outcome.reason == ""


def test_a_variant_that_takes_longer_is_slower() -> None:
    assert outcome_of(blocks([0.5, 0.51, 0.49, 0.5])).verdict is Verdict.SLOWER


def test_pairs_that_disagree_show_no_difference() -> None:
    assert outcome_of(blocks([0.5, 2.0, 0.8, 1.2])).verdict is Verdict.NO_DIFFERENCE_SHOWN


def test_the_order_of_the_blocks_does_not_matter() -> None:
    made = blocks([1.9, 2.0, 2.1, 2.0])
    assert outcome_of(made) == outcome_of(made[::-1])


def test_equal_blocks_and_seeds_have_equal_outcomes() -> None:
    assert outcome_of(blocks([1.2, 1.3, 1.1, 1.25])) == outcome_of(blocks([1.2, 1.3, 1.1, 1.25]))


def test_figures_are_over_all_blocks_of_a_variant() -> None:
    outcome = outcome_of(blocks([2.0] * 4))
    naive, optimized = outcome.figures["naive"], outcome.figures["optimized"]
    assert naive.p50_ms == pytest.approx(2.0)
    assert optimized.p50_ms == pytest.approx(1.0)
    assert optimized.p99_ms == pytest.approx(1.5, rel=0.02)
    assert naive.requests == 400
    assert naive.requests_per_second == 100
    assert naive.bytes_per_response == 10
    assert naive.errors == 0


@pytest.mark.parametrize("variant", ["naive", "optimized"])
def test_failed_requests_make_a_run_invalid(variant: str) -> None:
    made = blocks([2.0] * 4)
    broken = [
        (block, tally(0.001, errors=1) if block == Block(variant, 1) else each)
        for block, each in made
    ]
    outcome = outcome_of(broken)
    assert outcome.verdict is Verdict.INVALID
    assert outcome.speedup is None
    assert outcome.reason == f"1 of 401 requests to {variant} failed, first: status 503"


def test_one_failure_among_very_many_requests_is_borne() -> None:
    made = blocks([2.0] * 4, requests=1_000)
    made[0] = (made[0][0], tally(0.002, requests=1_000, errors=1))
    outcome = outcome_of(made)
    assert outcome.verdict is Verdict.FASTER
    assert outcome.figures["naive"].errors == 1


def test_a_block_without_an_answer_makes_a_run_invalid() -> None:
    made = blocks([2.0] * 4)
    made[1] = (made[1][0], Tally(seconds=1.0))
    outcome = outcome_of(made)
    assert outcome.verdict is Verdict.INVALID
    assert outcome.reason == "a block of optimized had no answer"


def test_progress_is_reported_once_a_block_and_once_a_warm_up() -> None:
    assert Settings(iterations=8, concurrency=4, duration=0.5, seed=1).steps == 18


class Service:
    """A made-up service whose naive variant yields more often before it answers."""

    def __init__(self) -> None:
        self.requests: Counter[str] = Counter()
        self.answers: dict[str, object] = {"naive": [1], "optimized": [1]}
        self.status = 200

    async def handle(self, request: web.Request) -> web.Response:
        variant = request.match_info["variant"]
        self.requests[variant] += 1
        if variant == "naive":
            await asyncio.sleep(0.005)
        return web.json_response(self.answers[variant], status=self.status)

    async def start(self, aiohttp_server: AiohttpServer) -> Address:
        application = web.Application()
        application.router.add_get("/made-up/{variant}", self.handle)
        server = await aiohttp_server(application)
        assert server.port is not None
        return Address("127.0.0.1", server.port)


async def measured(
    address: Address, technique: Technique = MADE_UP, progress: Any = lambda: None
) -> Outcome:
    settings = Settings(iterations=4, concurrency=2, duration=0.03, seed=1)
    return await measure(technique, address, settings, progress)


async def test_an_experiment_measures_both_variants(aiohttp_server: AiohttpServer) -> None:
    service = Service()
    address = await service.start(aiohttp_server)
    steps: list[None] = []
    outcome = await measured(address, progress=lambda: steps.append(None))
    assert outcome.difference is None
    assert outcome.figures.keys() == {"naive", "optimized"}
    assert len(steps) == 10
    for variant, figures in outcome.figures.items():
        assert 0 < figures.requests < service.requests[variant]
        assert figures.errors == 0


async def test_variants_that_answer_differently_are_not_measured(
    aiohttp_server: AiohttpServer,
) -> None:
    service = Service()
    service.answers["optimized"] = [2]
    outcome = await measured(await service.start(aiohttp_server))
    assert outcome.verdict is Verdict.INVALID
    assert outcome.speedup is None
    assert outcome.figures == {}
    assert outcome.reason == (
        "the variants answer differently: ?count=3 at $[0]: naive 1, optimized 2"
    )
    assert service.requests == {"naive": 1, "optimized": 1}


async def test_a_service_that_answers_with_a_failure_is_not_measured(
    aiohttp_server: AiohttpServer,
) -> None:
    service = Service()
    service.status = 503
    address = await service.start(aiohttp_server)
    with pytest.raises(RequestFailed, match="status 503"):
        await measured(address)
