"""A whole experiment against a made-up service: what it asks, in which order, and what it keeps."""

import asyncio
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import web
from pytest_aiohttp import AiohttpServer

from loadgen.evidence.bundle import Experiment
from loadgen.experiment import conduct as experiment
from loadgen.experiment.arms import Arm, MetricsPage, Subject, with_control
from loadgen.experiment.conduct import SAMPLE, Settings, conduct
from loadgen.sending.attack import Tally
from loadgen.sending.connection import Address, RequestFailed, encode_request
from loadgen.sending.pacer import Stage

SETTINGS = Settings(iterations=4, concurrency=2, duration=0.03, seed=1)
COUNTER = "http_server_request_duration_seconds"


class Service:
    """Counts what it is asked, and tells so on a page of metrics."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.spoiled_after = 10**9
        self.status = 200

    async def handle(self, request: web.Request) -> web.Response:
        variant = request.match_info["variant"]
        self.asked[variant] += 1
        if variant == "naive":
            await asyncio.sleep(0.002)
        spoiled = variant == "optimized" and self.asked[variant] > self.spoiled_after
        return web.json_response({"answer": "other" if spoiled else 1}, status=self.status)

    async def metrics(self, request: web.Request) -> web.Response:
        lines = [f"# TYPE {COUNTER} summary"]
        lines += [
            f'{COUNTER}_count{{variant="{variant}"}} {count}'
            for variant, count in self.asked.items()
        ]
        return web.Response(text="\n".join(lines) + "\n")

    async def start(self, aiohttp_server: AiohttpServer) -> Address:
        application = web.Application()
        application.router.add_get("/metrics", self.metrics)
        application.router.add_get("/{variant}", self.handle)
        server = await aiohttp_server(application)
        assert server.port is not None
        return Address("127.0.0.1", server.port)


class Watching:
    """Keeps what a watcher is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []

    def experiment(self, name: str, arms: tuple[str, ...]) -> None:
        self.told.append(("experiment", " ".join((name, *arms))))

    def started(self, arm: str) -> None:
        self.told.append(("started", arm))

    def finished(self, arm: str, block: Tally) -> None:
        self.told.append(("finished", arm))

    def passed(self, seconds: float) -> None:
        self.told.append(("passed", f"{seconds:g}"))


def arm(name: str, address: Address, inputs: int = 40, metrics: bool = True) -> Arm:
    targets = tuple(f"/{name}?input={number}" for number in range(inputs))
    return Arm(
        name=name,
        address=address,
        targets=targets,
        requests=tuple(encode_request(address, target, {}) for target in targets),
        variant=name,
        metrics=MetricsPage(address) if metrics else None,
    )


def subject_at(address: Address, **changes: Any) -> Subject:
    arms = with_control([arm(name, address) for name in ("naive", "optimized")])
    return replace(Subject("made-up", "Made up", "Forty inputs.", arms), **changes)


@pytest.fixture(autouse=True)
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(experiment, "SETTLE_SECONDS", 0.0)


async def conducted(
    subject: Subject, settings: Settings = SETTINGS, watching: Watching | None = None
) -> Experiment:
    return await conduct(subject, settings, watching or Watching())


async def test_each_arm_has_a_block_in_each_pair(aiohttp_server: AiohttpServer) -> None:
    address = await Service().start(aiohttp_server)
    found = await conducted(subject_at(address))
    assert found.arms == ("naive", "optimized", "control")
    assert found.baseline == "naive"
    assert found.answers_equal
    assert sorted(found.plan) == sorted((name, pair) for name in found.arms for pair in range(4))
    for record in found.records:
        assert record.answered == record.sent == record.latencies.count > 0
        assert record.seconds >= SETTINGS.duration
        assert record.cpu_seconds > 0


async def test_the_control_asks_what_the_baseline_asks(aiohttp_server: AiohttpServer) -> None:
    service = Service()
    found = await conducted(subject_at(await service.start(aiohttp_server)))
    assert service.asked.keys() == {"naive", "optimized"}
    control, naive = (
        sum(record.answered for record in found.of(name)) for name in ("control", "naive")
    )
    assert control + naive < service.asked["naive"]


async def test_the_servers_count_of_a_block_is_the_clients(aiohttp_server: AiohttpServer) -> None:
    found = await conducted(subject_at(await Service().start(aiohttp_server)))
    for record in found.records:
        assert record.counters[f"{COUNTER}_count"] == record.sent


class Lingering(Service):
    """After its last answer the optimized route still writes a few records, one between two looks.

    Other routes are disturbed by that.
    """

    def __init__(self) -> None:
        super().__init__()
        self.waiting = self.written = self.disturbed = 0

    async def handle(self, request: web.Request) -> web.Response:
        if request.match_info["variant"] == "optimized":
            self.waiting = 4
        elif self.waiting:
            self.disturbed += 1
        return await super().handle(request)

    async def metrics(self, request: web.Request) -> web.Response:
        if self.waiting:
            self.waiting -= 1
            self.written += 1
        line = f'log_records_total{{variant="optimized"}} {self.written}\n'
        return web.Response(text=f"# TYPE log_records_total counter\n{line}")


async def test_what_an_arm_leaves_behind_is_done_before_the_next_begins(
    aiohttp_server: AiohttpServer,
) -> None:
    service = Lingering()
    subject = subject_at(await service.start(aiohttp_server), answers_may_differ=True)
    await conducted(subject)
    assert service.written
    assert not service.disturbed


async def test_a_server_without_a_page_of_metrics_is_measured_all_the_same(
    aiohttp_server: AiohttpServer,
) -> None:
    address = await Service().start(aiohttp_server)
    nowhere = MetricsPage(address, "/metrics/that/are/not/there")
    subject = subject_at(address)
    arms = tuple(replace(each, metrics=nowhere) for each in subject.arms)
    found = await conducted(replace(subject, arms=arms))
    assert all(record.answered and record.counters == {} for record in found.records)


async def test_arms_that_answer_differently_are_not_measured(
    aiohttp_server: AiohttpServer,
) -> None:
    service = Service()
    service.spoiled_after = 0
    found = await conducted(subject_at(await service.start(aiohttp_server)))
    assert not found.answers_equal
    assert found.records == ()
    assert found.difference == ("/optimized?input=0 at $.answer: baseline 1, optimized 'other'")
    assert service.asked == {"naive": 1, "optimized": 1}


async def test_a_difference_that_comes_later_ends_the_run(aiohttp_server: AiohttpServer) -> None:
    service = Service()
    service.spoiled_after = SAMPLE + 1
    found = await conducted(subject_at(await service.start(aiohttp_server)))
    assert not found.answers_equal
    assert {record.pair for record in found.records} == {0}


async def test_answers_may_differ_where_that_is_asked_for(aiohttp_server: AiohttpServer) -> None:
    service = Service()
    service.spoiled_after = 0
    address = await service.start(aiohttp_server)
    found = await conducted(subject_at(address, answers_may_differ=True))
    assert found.answers_equal
    assert len(found.records) == 12


async def test_a_server_that_refuses_the_first_question_is_not_measured(
    aiohttp_server: AiohttpServer,
) -> None:
    service = Service()
    service.status = 503
    address = await service.start(aiohttp_server)
    with pytest.raises(RequestFailed, match=r"/naive\?input=0: status 503"):
        await conducted(subject_at(address))


async def test_a_watcher_is_told_of_warm_ups_and_blocks(aiohttp_server: AiohttpServer) -> None:
    watching = Watching()
    address = await Service().start(aiohttp_server)
    found = await conducted(subject_at(address), watching=watching)
    assert watching.told[0] == ("experiment", "made-up naive optimized control")
    assert watching.told.count(("passed", "0.015")) == 3
    finished = [name for what, name in watching.told if what == "finished"]
    assert finished == [record.arm for record in found.records]


async def test_an_open_loop_sends_as_many_as_its_rate(aiohttp_server: AiohttpServer) -> None:
    address = await Service().start(aiohttp_server)
    settings = replace(SETTINGS, rate=200.0, duration=0.1)
    found = await conducted(subject_at(address), settings)
    assert {record.sent for record in found.records} == {20}


def test_the_time_of_a_run_is_known_before() -> None:
    assert Settings(iterations=8, concurrency=4, duration=0.5, seed=1).seconds(3) == 12.75
    staged = replace(SETTINGS, stages=(Stage(1, 10), Stage(2, 20)))
    assert staged.seconds(2) == 27


def test_a_bundle_keeps_what_was_asked_for_alone() -> None:
    assert SETTINGS.as_document() == {
        "iterations": 4,
        "concurrency": 2,
        "duration": 0.03,
        "seed": 1,
        "arrivals": "constant",
        "link_latency": 0.0,
        "timeout": 30.0,
    }


@pytest.mark.parametrize("changes", [{"rate": 0.0}, {"concurrency": 0}, {"link": -1.0}])
def test_what_is_no_load_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        replace(SETTINGS, **changes).attack()
