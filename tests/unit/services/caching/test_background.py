"""Background tasks: what close waits for, and what happens to failures."""

import asyncio
import gc

from services.caching.background import _CANCEL_AGAIN_SECONDS, Background
from services.settings import Settings


async def test_a_task_is_forgotten_when_it_has_ended() -> None:
    background = Background()

    async def work() -> str:
        return "done"

    task = background.start(work())
    assert len(background) == 1
    assert await task == "done"
    assert len(background) == 0


async def test_a_failed_task_without_awaiters_is_not_reported() -> None:
    background = Background()
    reports: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: reports.append(context))

    async def fail() -> None:
        raise OSError

    background.start(fail())
    while background:  # noqa: ASYNC110 - the task ends on this event loop
        await asyncio.sleep(0)
    gc.collect()
    assert reports == []


async def test_close_cancels_all_tasks_and_waits_for_them() -> None:
    background = Background()
    cleaned_up = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            cleaned_up.append(True)

    tasks = [background.start(work()) for _ in range(2)]
    await asyncio.sleep(0)
    await background.close()
    assert cleaned_up == [True, True]
    assert all(task.cancelled() for task in tasks)
    assert not background


def test_close_repeats_a_cancellation_well_within_the_shutdown_timeout() -> None:
    assert Settings().shutdown_timeout >= 10 * _CANCEL_AGAIN_SECONDS


async def test_close_ends_a_task_that_swallows_a_cancellation() -> None:
    background = Background()
    swallowed = []

    async def stubborn() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            swallowed.append(True)
        await asyncio.Event().wait()

    background.start(stubborn())
    await asyncio.sleep(0)
    await background.close()
    assert swallowed == [True]
    assert not background
