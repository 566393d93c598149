"""A deadline for every request, for the cost of a dictionary entry.

A timer per request would cost more than the rest of the wrapper, and nearly no timer ever fires.
Instead, one task checks all requests in flight ten times a second, and cancels the late requests.
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
    """The tasks of the requests in flight, each with a timeout in seconds."""

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self._started: dict[Task, float] = {}
        self._cancelled: set[Task] = set()

    def __len__(self) -> int:
        """The number of requests in flight."""
        return len(self._started)

    def begin(self, task: Task, started: float) -> None:
        """Watch a task; `started` is a time of `perf_counter`."""
        self._started[task] = started

    def end(self, task: Task) -> None:
        """Stop watching a task. Raises KeyError if `begin` was not called for the task."""
        del self._started[task]
        self._cancelled.discard(task)

    def undo_cancellation(self, task: Task) -> bool:
        """Undo the task's cancellation if its deadline caused it; return whether it was undone.

        The task calls this method after it has caught a CancelledError. If True, it may go on.
        """
        if task not in self._cancelled:
            return False
        task.uncancel()
        return True

    def cancel_late(self, now: float) -> None:
        """Cancel each task that has run longer than the timeout. A task is cancelled only once."""
        for task, started in self._started.items():
            if now - started > self._timeout and task not in self._cancelled:
                self._cancelled.add(task)
                task.cancel()

    async def watch(self, application: web.Application) -> AsyncIterator[None]:
        """Cleanup context: cancel late tasks for as long as the application runs."""
        task = asyncio.create_task(self._watch(), name="deadlines")
        yield
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(CHECK_SECONDS)
            self.cancel_late(perf_counter())
