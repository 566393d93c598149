"""A small service over a made-up technique, served for real."""

import asyncio
import contextlib
import re
from collections.abc import Awaitable, Callable
from time import perf_counter, thread_time
from typing import Any

import psycopg2
import pytest
from aiohttp import ServerDisconnectedError, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.test_utils import TestClient
from aiohttp.typedefs import Handler
from pytest_aiohttp import AiohttpClient

from services.chassis import deadlines, health
from services.chassis.application import create_service, json_response
from services.chassis.context import REQUEST_ID, VARIANT
from services.chassis.cpu import in_thread, metered
from services.chassis.health import CHECKS
from services.chassis.parameters import PARAMETERS
from services.settings import Settings
from tests.unit.services.made_up import MADE_UP

Client = TestClient[Any, Any]
ServiceOf = Callable[..., Awaitable[Client]]
PROBLEM = "application/problem+json"
GENERATED_ID = re.compile(r"[0-9a-f]{32}")


async def three(request: web.Request) -> web.Response:
    return json_response({"items": [1] * request[PARAMETERS].integer("count")})


@pytest.fixture
def service_of(aiohttp_client: AiohttpClient) -> ServiceOf:
    """Serve these two handlers, with some settings changed, and get a client."""

    async def start(naive: Handler = three, optimized: Handler = three, **changes: float) -> Client:
        settings = Settings().model_copy(update=changes)
        handlers = {"naive": naive, "optimized": optimized}
        client: Client = await aiohttp_client(create_service(MADE_UP, settings, handlers))
        return client

    return start


async def samples(client: Client) -> dict[str, float]:
    """Value by name and labels, as the exposition writes them."""
    text = await (await client.get("/metrics")).text()
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


def duration(kind: str, variant: str, status: int, method: str = "GET") -> str:
    """The name of a sample of the request durations, as the exposition writes it."""
    return (
        f'http_server_request_duration_seconds_{kind}{{http_request_method="{method}",'
        f'http_response_status_code="{status}",technique="made-up",variant="{variant}"}}'
    )


ACTIVE = 'http_server_active_requests{technique="made-up"}'


async def test_each_variant_is_a_route(service_of: ServiceOf) -> None:
    async def other(request: web.Request) -> web.Response:
        return json_response(VARIANT.get())

    client = await service_of(optimized=other)
    assert await (await client.get("/made-up/naive")).json() == {"items": [1, 1, 1]}
    assert await (await client.get("/made-up/optimized")).json() == "optimized"


async def test_a_handler_gets_checked_parameters(service_of: ServiceOf) -> None:
    client = await service_of()
    response = await client.get("/made-up/naive", params={"count": 2})
    assert await response.json() == {"items": [1, 1]}


async def test_a_parameter_out_of_bounds_never_reaches_the_handler(service_of: ServiceOf) -> None:
    async def unreachable(request: web.Request) -> web.Response:
        raise AssertionError

    client = await service_of(naive=unreachable)
    response = await client.get("/made-up/naive", params={"count": 11})
    assert (response.status, response.content_type) == (400, PROBLEM)
    document = await response.json()
    assert document["parameter"] == "count"
    assert document["bound"] == "a whole number from 1 to 10"


async def test_the_card_stands_at_the_techniques_own_path(service_of: ServiceOf) -> None:
    client = await service_of()
    response = await client.get("/made-up")
    assert response.content_type == "application/json"
    assert await response.json() == MADE_UP.card()


async def test_openapi_describes_every_route(service_of: ServiceOf) -> None:
    client = await service_of()
    document = await (await client.get("/openapi.json")).json()
    assert list(document["paths"]) == ["/made-up", "/made-up/naive", "/made-up/optimized"]


async def test_a_process_that_answers_is_alive(service_of: ServiceOf) -> None:
    client = await service_of()
    response = await client.get("/healthz")
    assert (response.status, await response.json()) == (200, {"status": "alive"})


async def test_a_service_is_ready_when_all_that_it_needs_is(service_of: ServiceOf) -> None:
    async def fine() -> None: ...

    client = await service_of()
    client.app[CHECKS]["postgres"] = fine
    response = await client.get("/readyz")
    document = await response.json()
    assert (response.status, document["status"]) == (200, "ready")
    assert document["dependencies"]["postgres"]["ok"] is True


async def test_a_service_that_misses_something_says_what(service_of: ServiceOf) -> None:
    async def fine() -> None: ...

    async def broken() -> None:
        raise ConnectionRefusedError("secret")

    client = await service_of()
    client.app[CHECKS].update(postgres=fine, redis=broken)
    response = await client.get("/readyz")
    document = await response.json()
    assert (response.status, document["status"]) == (503, "not ready")
    assert int(response.headers["Retry-After"]) > 0
    assert document["dependencies"]["postgres"]["ok"] is True
    assert document["dependencies"]["redis"] == {"ok": False, "error": "ConnectionRefusedError"}


async def test_a_check_that_hangs_counts_as_failed(
    service_of: ServiceOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "CHECK_DEADLINE_SECONDS", 0.01)
    client = await service_of()
    client.app[CHECKS]["redis"] = asyncio.Event().wait
    response = await client.get("/readyz")
    assert response.status == 503
    dependencies = (await response.json())["dependencies"]
    assert dependencies == {"redis": {"ok": False, "error": "TimeoutError"}}


@pytest.mark.parametrize("given", ["a", "0af7651916cd43dd-8448:eb211c80._319c", "x" * 64])
async def test_a_client_may_name_its_request(service_of: ServiceOf, given: str) -> None:
    async def echo(request: web.Request) -> web.Response:
        return json_response(REQUEST_ID.get())

    client = await service_of(naive=echo)
    response = await client.get("/made-up/naive", headers={"X-Request-ID": given})
    assert response.headers["X-Request-ID"] == given
    assert await response.json() == given


@pytest.mark.parametrize("given", ["", " ", "x" * 65, "a b", "a;b", "a\u00e9", '{"a":1}'])
async def test_a_strange_name_of_a_request_is_replaced(service_of: ServiceOf, given: str) -> None:
    client = await service_of()
    response = await client.get("/made-up/naive", headers={"X-Request-ID": given})
    assert GENERATED_ID.fullmatch(response.headers["X-Request-ID"])


async def test_requests_without_a_name_get_different_ones(service_of: ServiceOf) -> None:
    client = await service_of()
    responses = [await client.get("/made-up/naive") for _ in range(20)]
    names = {response.headers["X-Request-ID"] for response in responses}
    assert len(names) == 20


async def test_a_problem_carries_the_id_of_its_request(service_of: ServiceOf) -> None:
    client = await service_of()
    response = await client.get("/nowhere", headers={"X-Request-ID": "the-request"})
    assert response.headers["X-Request-ID"] == "the-request"
    assert (await response.json())["request_id"] == "the-request"


async def test_an_answer_says_how_long_the_handler_took(service_of: ServiceOf) -> None:
    client = await service_of()
    response = await client.get("/made-up/naive")
    assert re.fullmatch(r"app;dur=\d+\.\d{3}", response.headers["Server-Timing"])


@pytest.mark.parametrize("path", ["/", "/nowhere", "/made-up/", "/made-up/other", "//", "/%00"])
async def test_a_path_that_leads_nowhere_is_a_problem(service_of: ServiceOf, path: str) -> None:
    client = await service_of()
    response = await client.get(path)
    assert (response.status, response.content_type) == (404, PROBLEM)


@pytest.mark.parametrize("path", ["/made-up", "/made-up/naive", "/healthz", "/metrics"])
async def test_a_method_that_is_not_offered_is_a_problem_that_names_those_that_are(
    service_of: ServiceOf, path: str
) -> None:
    client = await service_of()
    response = await client.post(path)
    assert (response.status, response.content_type) == (405, PROBLEM)
    assert response.headers["Allow"] == "GET,HEAD"


async def test_head_is_answered_like_get_without_the_body(service_of: ServiceOf) -> None:
    client = await service_of()
    get, head = await client.get("/made-up/naive"), await client.head("/made-up/naive")
    assert head.status == 200
    assert head.headers["Content-Length"] == get.headers["Content-Length"]
    assert await head.read() == b""


async def test_a_request_is_counted_under_its_variant(service_of: ServiceOf) -> None:
    client = await service_of()
    for _ in range(3):
        await client.get("/made-up/naive")
    await client.get("/made-up/optimized")
    counted = await samples(client)
    assert counted[duration("count", "naive", 200)] == 3
    assert counted[duration("count", "optimized", 200)] == 1


async def test_a_failure_is_counted_with_its_status(service_of: ServiceOf) -> None:
    async def away(request: web.Request) -> web.Response:
        raise psycopg2.OperationalError

    client = await service_of(optimized=away)
    await client.get("/made-up/naive", params={"count": 0})
    await client.get("/made-up/optimized")
    await client.get("/nowhere")
    await client.post("/made-up/naive")
    counted = await samples(client)
    assert counted[duration("count", "naive", 400)] == 1
    assert counted[duration("count", "optimized", 503)] == 1
    assert counted[duration("count", "unmatched", 404)] == 1
    assert counted[duration("count", "unmatched", 405, "POST")] == 1


async def test_asking_for_health_and_metrics_is_not_counted(service_of: ServiceOf) -> None:
    client = await service_of()
    for path in ("/healthz", "/readyz", "/metrics", "/openapi.json"):
        assert (await client.get(path)).status == 200
    counted = await samples(client)
    assert not [name for name in counted if name.startswith("http_server_request_duration")]


async def test_bodies_are_counted_in_bytes(service_of: ServiceOf) -> None:
    client = await service_of()
    response = await client.get("/made-up/naive")
    counted = await samples(client)
    name = 'http_server_response_body_size_bytes_sum{technique="made-up",variant="naive"}'
    assert counted[name] == len(await response.read())


async def test_the_time_that_a_handler_takes_is_observed(service_of: ServiceOf) -> None:
    spent = []

    async def slow(request: web.Request) -> web.Response:
        started = perf_counter()
        await asyncio.sleep(0.02)
        spent.append(perf_counter() - started)
        return json_response(None)

    client = await service_of(naive=slow)
    await client.get("/made-up/naive")
    counted = await samples(client)
    assert counted[duration("sum", "naive", 200)] >= spent[0]


async def test_the_time_that_writing_takes_is_observed(service_of: ServiceOf) -> None:
    spent = []

    class SlowToWrite(web.Response):
        async def write_eof(self, data: bytes = b"") -> None:
            started = perf_counter()
            await asyncio.sleep(0.02)
            await super().write_eof(data)
            spent.append(perf_counter() - started)

    async def handler(request: web.Request) -> web.Response:
        return SlowToWrite(text="late")

    client = await service_of(naive=handler)
    assert await (await client.get("/made-up/naive")).text() == "late"
    counted = await samples(client)
    assert counted[duration("sum", "naive", 200)] >= spent[0]


async def test_a_streamed_answer_is_counted_once_and_sent_once(service_of: ServiceOf) -> None:
    async def streamed(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"one,")
        await response.write(b"two")
        await response.write_eof()
        return response

    client = await service_of(naive=streamed)
    assert await (await client.get("/made-up/naive")).text() == "one,two"
    assert (await samples(client))[duration("count", "naive", 200)] == 1


async def test_a_request_past_its_deadline_is_cancelled_and_answered(
    service_of: ServiceOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deadlines, "CHECK_SECONDS", 0.01)
    cancelled = asyncio.Event()

    async def endless(request: web.Request) -> web.Response:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()
        return json_response(None)

    client = await service_of(naive=endless, request_timeout=0.01)
    response = await client.get("/made-up/naive")
    assert (response.status, response.content_type) == (504, PROBLEM)
    assert cancelled.is_set()
    assert (await samples(client))[duration("count", "naive", 504)] == 1


async def test_after_a_deadline_the_same_connection_serves_on(
    service_of: ServiceOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deadlines, "CHECK_SECONDS", 0.01)

    async def endless(request: web.Request) -> web.Response:
        await asyncio.Event().wait()
        return json_response(None)

    client = await service_of(naive=endless, request_timeout=0.01)
    for _ in range(2):
        assert (await client.get("/made-up/naive")).status == 504
    assert (await client.get("/made-up/optimized")).status == 200


async def test_nothing_of_an_unforeseen_exception_reaches_the_client(
    service_of: ServiceOf, caplog: pytest.LogCaptureFixture
) -> None:
    async def failing(request: web.Request) -> web.Response:
        raise RuntimeError("secret")

    client = await service_of(naive=failing)
    response = await client.get("/made-up/naive")
    assert (response.status, response.content_type) == (500, PROBLEM)
    body = await response.text()
    assert "secret" not in body
    assert "Traceback" not in body
    assert "RuntimeError: secret" in caplog.text


async def test_requests_being_answered_are_shown_while_they_are(service_of: ServiceOf) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def waiting(request: web.Request) -> web.Response:
        begun.set()
        await go_on.wait()
        return json_response(None)

    client = await service_of(naive=waiting)
    request = asyncio.ensure_future(client.get("/made-up/naive"))
    await begun.wait()
    assert (await samples(client))[ACTIVE] == 1
    go_on.set()
    await request
    assert (await samples(client))[ACTIVE] == 0


async def test_no_request_counts_as_active_after_a_failure(
    service_of: ServiceOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deadlines, "CHECK_SECONDS", 0.01)

    async def failing(request: web.Request) -> web.Response:
        raise RuntimeError

    async def endless(request: web.Request) -> web.Response:
        await asyncio.Event().wait()
        return json_response(None)

    client = await service_of(failing, endless, request_timeout=0.01)
    for path in ("/made-up/naive", "/made-up/optimized", "/made-up/naive?count=0", "/nowhere"):
        await client.get(path)
    assert (await samples(client))[ACTIVE] == 0


async def test_no_request_counts_as_active_when_its_answer_cannot_be_written(
    service_of: ServiceOf,
) -> None:
    class Unwritable(web.Response):
        async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
            raise ConnectionResetError

    async def handler(request: web.Request) -> web.Response:
        return Unwritable()

    client = await service_of(naive=handler)
    with pytest.raises(ServerDisconnectedError):
        await client.get("/made-up/naive")
    assert (await samples(client))[ACTIVE] == 0


async def test_an_answer_that_fails_half_way_is_broken_off(service_of: ServiceOf) -> None:
    async def half(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"half of it")
        raise RuntimeError

    client = await service_of(naive=half)
    reader, writer = await asyncio.open_connection(client.host, client.port)
    writer.write(b"GET /made-up/naive HTTP/1.1\r\nHost: lab\r\nConnection: close\r\n\r\n")
    try:
        received = await reader.read()
    except ConnectionResetError:
        received = b""
    writer.close()
    assert received.count(b"HTTP/1.1") <= 1
    assert not received.endswith(b"0\r\n\r\n")


async def test_a_client_that_does_not_read_its_answer_is_given_up(
    service_of: ServiceOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deadlines, "CHECK_SECONDS", 0.01)
    outcome: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            while True:
                await response.write(bytes(2**20))
        except asyncio.CancelledError:
            outcome.set_result("cancelled")
            raise

    client = await service_of(naive=endless, request_timeout=0.05)
    _, writer = await asyncio.open_connection(client.host, client.port, limit=1024)
    writer.write(b"GET /made-up/naive HTTP/1.1\r\nHost: lab\r\n\r\n")
    async with asyncio.timeout(20):
        assert await outcome == "cancelled"
    assert (await samples(client))[ACTIVE] == 0
    writer.close()
    with contextlib.suppress(ConnectionResetError):
        await writer.wait_closed()


# Slow requests


async def openmetrics(client: Client) -> str:
    accept = {"Accept": "application/openmetrics-text; version=1.0.0"}
    return await (await client.get("/metrics", headers=accept)).text()


async def test_a_slow_request_is_logged_and_its_bucket_names_it(
    service_of: ServiceOf, caplog: pytest.LogCaptureFixture
) -> None:
    client = await service_of(slow_request=1e-9)
    await client.get("/made-up/naive?count=2", headers={"X-Request-ID": "slow-one"})
    (line,) = [record.getMessage() for record in caplog.records]
    assert re.fullmatch(
        r"slow: GET /made-up/naive\?count=2 took \d\.\d{3} s, request slow-one", line
    )
    exemplars = [line for line in (await openmetrics(client)).splitlines() if "slow-one" in line]
    assert len(exemplars) == 1
    assert exemplars[0].startswith("http_server_request_duration_seconds_bucket{")
    assert '# {request_id="slow-one"}' in exemplars[0]


async def test_a_request_that_is_not_slow_leaves_no_trace(
    service_of: ServiceOf, caplog: pytest.LogCaptureFixture
) -> None:
    client = await service_of()
    await client.get("/made-up/naive", headers={"X-Request-ID": "quick-one"})
    assert caplog.records == []
    assert "quick-one" not in await openmetrics(client)


# CPU


def burn(seconds: float) -> None:
    until = thread_time() + seconds
    while thread_time() < until:
        pass


async def mean_cpu(client: Client, variant: str) -> float:
    """Seconds of CPU per measured request."""
    counted = await samples(client)
    labels = f'{{technique="made-up",variant="{variant}"}}'
    name = "http_server_request_cpu_seconds"
    return counted[f"{name}_sum{labels}"] / counted[f"{name}_count{labels}"]


async def test_cpu_is_told_apart_though_requests_are_answered_in_turns(
    service_of: ServiceOf,
) -> None:
    def burning(seconds: float) -> Handler:
        async def handler(request: web.Request) -> web.Response:
            for _ in range(4):
                burn(seconds / 4)
                await asyncio.sleep(0.005)
            return json_response({})

        return handler

    client = await service_of(burning(0.02), burning(0.002))
    for _ in range(5):
        await asyncio.gather(client.get("/made-up/naive"), client.get("/made-up/optimized"))
    assert 0.02 <= await mean_cpu(client, "naive") < 0.024
    assert 0.002 <= await mean_cpu(client, "optimized") < 0.006


async def test_work_in_a_task_of_its_own_counts_where_it_is_metered(service_of: ServiceOf) -> None:
    async def work() -> None:
        burn(0.01)
        await asyncio.sleep(0)
        burn(0.01)

    async def handler(request: web.Request) -> web.Response:
        await asyncio.create_task(metered(work()))
        return json_response({})

    client = await service_of(handler)
    await client.get("/made-up/naive")
    assert await mean_cpu(client, "naive") >= 0.02


async def test_work_in_a_thread_counts_for_its_request(service_of: ServiceOf) -> None:
    async def handler(request: web.Request) -> web.Response:
        await in_thread(burn, 0.02)
        return json_response({})

    client = await service_of(handler)
    await client.get("/made-up/naive")
    assert await mean_cpu(client, "naive") >= 0.02


async def test_only_some_requests_are_measured_but_the_first_is(service_of: ServiceOf) -> None:
    client = await service_of()
    for _ in range(20):
        await client.get("/made-up/naive")
    counted = await samples(client)
    measured = counted['http_server_request_cpu_seconds_count{technique="made-up",variant="naive"}']
    assert 1 <= measured < counted[duration("count", "naive", 200)] == 20
