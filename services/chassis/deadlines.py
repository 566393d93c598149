"""A deadline for every request, at the price of a dictionary entry.

A timer for each request would cost more than everything else around it; nearly none of them ever
fires. Instead the requests in flight are looked through a few times a second, and those that are
overdue are cancelled.
"""

import asyncio
from collections.abc import AsyncIterator
from time import perf_counter
from typing import Any

from aiohttp import web

#: A request is cancelled at most this many seconds after its deadline.
CHECK_SECONDS = 0.1

Task = asyncio.Task[Any]


class Deadlines:
    """The requests in flight by their task; `timeout` is in seconds for each."""

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self._started: dict[Task, float] = {}
        self._cancelled: set[Task] = set()

    def __len__(self) -> int:
        return len(self._started)

    def begin(self, task: Task, started: float) -> None:
        self._started[task] = started

    def end(self, task: Task) -> None:
        del self._started[task]
        self._cancelled.discard(task)

    def was_passed(self, task: Task) -> bool:
        """Whether the cancellation that has just reached the task came from here."""
        if task not in self._cancelled:
            return False
        task.uncancel()
        return True

    async def watch(self, application: web.Application) -> AsyncIterator[None]:
        """A cleanup context."""
        task = asyncio.create_task(self._watch(), name="deadlines")
        yield
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(CHECK_SECONDS)
            latest = perf_counter() - self._timeout
            for task, started in self._started.items():
                if started < latest and task not in self._cancelled:
                    self._cancelled.add(task)
                    task.cancel()
