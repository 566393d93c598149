"""The CPU time of a request: interleaved with others, in new tasks, in threads."""

import asyncio
from time import thread_time

from aiohttp import web
from aiohttp.typedefs import Handler

from services.chassis.application import json_response
from services.chassis.cpu_meter import CpuSampler, in_thread, metered
from tests.conftest import Client, samples
from tests.unit.services.chassis.example_service import (
    ServiceOf,
    duration,
)


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


async def test_cpu_time_is_measured_separately_for_interleaved_requests(
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


async def test_metered_work_in_a_new_task_counts_for_its_request(service_of: ServiceOf) -> None:
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


def test_one_request_per_twenty_milliseconds_is_measured() -> None:
    sampler = CpuSampler()
    measured = [sampler.meter(now) is not None for now in (0.0, 0.0, 0.0199, 0.02, 0.0399, 0.5)]
    assert measured == [True, False, False, True, False, True]


async def test_the_first_request_is_measured_and_some_later_requests_are_not(
    service_of: ServiceOf,
) -> None:
    client = await service_of()
    for _ in range(20):
        await client.get("/made-up/naive")
    counted = await samples(client)
    measured = counted['http_server_request_cpu_seconds_count{technique="made-up",variant="naive"}']
    assert 1 <= measured < counted[duration("count", "naive", 200)] == 20
