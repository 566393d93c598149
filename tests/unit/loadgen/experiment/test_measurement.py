"""Measuring a subject against a real server: requests, their order, and the evidence."""

import asyncio
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import web
from pytest_aiohttp import AiohttpServer

from loadgen.evidence.bundle import Experiment
from loadgen.experiment import measurement
from loadgen.experiment.load_options import LoadOptions
from loadgen.experiment.measurement import COMPARED_INPUTS, measure
from loadgen.experiment.subject import Arm, MetricsPage, Subject, with_control
from loadgen.sending.attack import LoadResult
from loadgen.sending.connection import Address, RequestFailed, encode_request

OPTIONS = LoadOptions(iterations=4, concurrency=2, duration=0.03, seed=1)
COUNTER = "http_server_request_duration_seconds"


class Service:
    """Counts requests by variant and shows the counts on a metrics page."""

    def __init__(self) -> None:
        self.requests: Counter[str] = Counter()
        #: Later responses of the optimized variant are wrong.
        self.correct_responses = 10**9
        self.status = 200

    async def handle(self, request: web.Request) -> web.Response:
        variant = request.match_info["variant"]
        self.requests[variant] += 1
        if variant == "naive":
            await asyncio.sleep(0.002)
        wrong = variant == "optimized" and self.requests[variant] > self.correct_responses
        return web.json_response({"answer": "other" if wrong else 1}, status=self.status)

    async def metrics(self, request: web.Request) -> web.Response:
        lines = [f"# TYPE {COUNTER} summary"]
        lines += [
            f'{COUNTER}_count{{variant="{variant}"}} {count}'
            for variant, count in self.requests.items()
        ]
        return web.Response(text="\n".join(lines) + "\n")

    async def start(self, aiohttp_server: AiohttpServer) -> Address:
        application = web.Application()
        application.router.add_get("/metrics", self.metrics)
        application.router.add_get("/{variant}", self.handle)
        server = await aiohttp_server(application)
        assert server.port is not None
        return Address("127.0.0.1", server.port)


class RecordingObserver:
    """Records every report of a measurement."""

    def __init__(self) -> None:
        self.reports: list[tuple[str, str]] = []

    def experiment(self, name: str, arms: tuple[str, ...]) -> None:
        self.reports.append(("experiment", " ".join((name, *arms))))

    def started(self, arm: str) -> None:
        self.reports.append(("started", arm))

    def finished(self, arm: str, block: LoadResult) -> None:
        self.reports.append(("finished", arm))

    def passed(self, seconds: float) -> None:
        self.reports.append(("passed", f"{seconds:g}"))


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
def no_settling_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measurement, "SETTLE_SECONDS", 0.0)


async def measured(
    subject: Subject,
    options: LoadOptions = OPTIONS,
    observer: RecordingObserver | None = None,
) -> Experiment:
    return await measure(subject, options, observer or RecordingObserver())


async def test_each_arm_has_a_block_in_each_pair(aiohttp_server: AiohttpServer) -> None:
    address = await Service().start(aiohttp_server)
    evidence = await measured(subject_at(address))
    assert evidence.arms == ("naive", "optimized", "control")
    assert evidence.baseline == "naive"
    assert evidence.answers_equal
    assert sorted(evidence.plan) == sorted(
        (name, pair) for name in evidence.arms for pair in range(4)
    )
    for record in evidence.records:
        assert record.answered == record.sent == record.latencies.count > 0
        assert record.seconds >= OPTIONS.duration
        assert record.cpu_seconds > 0


async def test_the_control_sends_the_requests_of_the_baseline(
    aiohttp_server: AiohttpServer,
) -> None:
    service = Service()
    evidence = await measured(subject_at(await service.start(aiohttp_server)))
    assert service.requests.keys() == {"naive", "optimized"}
    control, naive = (
        sum(record.answered for record in evidence.of(name)) for name in ("control", "naive")
    )
    assert control + naive < service.requests["naive"]


async def test_the_server_counts_as_many_requests_per_block_as_the_client(
    aiohttp_server: AiohttpServer,
) -> None:
    evidence = await measured(subject_at(await Service().start(aiohttp_server)))
    for record in evidence.records:
        assert record.counters[f"{COUNTER}_count"] == record.sent


class Lingering(Service):
    """The optimized route writes four log records after its response, one per look at metrics.

    A request to another route before the last record counts as disturbed.
    """

    def __init__(self) -> None:
        super().__init__()
        self.pending = self.written = self.disturbed = 0

    async def handle(self, request: web.Request) -> web.Response:
        if request.match_info["variant"] == "optimized":
            self.pending = 4
        elif self.pending:
            self.disturbed += 1
        return await super().handle(request)

    async def metrics(self, request: web.Request) -> web.Response:
        if self.pending:
            self.pending -= 1
            self.written += 1
        line = f'log_records_total{{variant="optimized"}} {self.written}\n'
        return web.Response(text=f"# TYPE log_records_total counter\n{line}")


async def test_the_next_arm_starts_after_the_background_work_of_the_last_one(
    aiohttp_server: AiohttpServer,
) -> None:
    service = Lingering()
    subject = subject_at(await service.start(aiohttp_server), answers_may_differ=True)
    await measured(subject)
    assert service.written
    assert not service.disturbed


async def test_a_server_without_a_metrics_page_is_measured(
    aiohttp_server: AiohttpServer,
) -> None:
    address = await Service().start(aiohttp_server)
    missing = MetricsPage(address, "/no/such/page")
    subject = subject_at(address)
    arms = tuple(replace(each, metrics=missing) for each in subject.arms)
    evidence = await measured(replace(subject, arms=arms))
    assert all(record.answered and record.counters == {} for record in evidence.records)


async def test_arms_with_different_responses_are_not_measured(
    aiohttp_server: AiohttpServer,
) -> None:
    service = Service()
    service.correct_responses = 0
    evidence = await measured(subject_at(await service.start(aiohttp_server)))
    assert not evidence.answers_equal
    assert evidence.records == ()
    assert evidence.difference == ("/optimized?input=0 at $.answer: baseline 1, optimized 'other'")
    assert service.requests == {"naive": 1, "optimized": 1}


async def test_a_difference_after_a_pair_ends_the_experiment(aiohttp_server: AiohttpServer) -> None:
    service = Service()
    service.correct_responses = COMPARED_INPUTS + 1
    evidence = await measured(subject_at(await service.start(aiohttp_server)))
    assert not evidence.answers_equal
    assert {record.pair for record in evidence.records} == {0}


async def test_responses_are_not_compared_if_answers_may_differ(
    aiohttp_server: AiohttpServer,
) -> None:
    service = Service()
    service.correct_responses = 0
    address = await service.start(aiohttp_server)
    evidence = await measured(subject_at(address, answers_may_differ=True))
    assert evidence.answers_equal
    assert len(evidence.records) == 12


async def test_an_error_status_before_the_first_block_is_a_failure(
    aiohttp_server: AiohttpServer,
) -> None:
    service = Service()
    service.status = 503
    address = await service.start(aiohttp_server)
    with pytest.raises(RequestFailed, match=r"/naive\?input=0: status 503"):
        await measured(subject_at(address))


async def test_the_observer_receives_warm_ups_and_blocks(aiohttp_server: AiohttpServer) -> None:
    observer = RecordingObserver()
    address = await Service().start(aiohttp_server)
    evidence = await measured(subject_at(address), observer=observer)
    assert observer.reports[0] == ("experiment", "made-up naive optimized control")
    assert observer.reports.count(("passed", "0.015")) == 3
    finished = [name for kind, name in observer.reports if kind == "finished"]
    assert finished == [record.arm for record in evidence.records]


async def test_every_block_of_an_open_loop_sends_its_rate(aiohttp_server: AiohttpServer) -> None:
    address = await Service().start(aiohttp_server)
    options = replace(OPTIONS, rate=200.0, duration=0.1)
    evidence = await measured(subject_at(address), options)
    assert {record.sent for record in evidence.records} == {20}
