"""Deadlines: late requests are cancelled, once, and their connection stays usable."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from services.chassis import deadlines
from services.chassis.application import json_response
from services.chassis.deadlines import Deadlines, Task
from tests.conftest import samples
from tests.unit.services.chassis.example_service import (
    PROBLEM,
    ServiceOf,
    duration,
)


async def test_a_late_request_is_cancelled_and_answered_with_504(
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


async def test_a_connection_stays_usable_after_a_504(
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


@pytest.fixture
async def task() -> AsyncIterator[Task]:
    """A task that waits forever."""
    waiting: Task = asyncio.create_task(asyncio.Event().wait())
    await asyncio.sleep(0)
    yield waiting
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)


def test_a_task_is_cancelled_only_after_its_timeout(task: Task) -> None:
    requests = Deadlines(timeout=10)
    requests.begin(task, started=100)
    requests.cancel_late(now=110)
    assert (task.cancelling(), requests.undo_cancellation(task)) == (0, False)
    requests.cancel_late(now=110.5)
    assert task.cancelling() == 1


def test_deadlines_are_checked_ten_times_a_second() -> None:
    assert deadlines.CHECK_SECONDS <= 0.1


def test_a_late_task_is_cancelled_only_once(task: Task) -> None:
    requests = Deadlines(timeout=10)
    requests.begin(task, started=100)
    requests.cancel_late(now=111)
    requests.cancel_late(now=112)
    assert task.cancelling() == 1


def test_a_cancellation_by_a_deadline_is_undone(task: Task) -> None:
    requests = Deadlines(timeout=10)
    requests.begin(task, started=100)
    requests.cancel_late(now=111)
    assert requests.undo_cancellation(task)
    assert task.cancelling() == 0


def test_a_cancellation_by_other_code_is_not_undone(task: Task) -> None:
    requests = Deadlines(timeout=10)
    requests.begin(task, started=100)
    task.cancel()
    assert not requests.undo_cancellation(task)
    assert task.cancelling() == 1


def test_a_task_that_has_ended_is_forgotten(task: Task) -> None:
    requests = Deadlines(timeout=10)
    requests.begin(task, started=100)
    requests.cancel_late(now=111)
    assert len(requests) == 1
    requests.end(task)
    assert len(requests) == 0
    assert not requests.undo_cancellation(task)
    requests.cancel_late(now=112)
    assert task.cancelling() == 1
