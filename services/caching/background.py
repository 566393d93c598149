"""Background tasks: work that continues after a response, and that ends with the service."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")

_CANCEL_AGAIN_SECONDS = 0.1


class Background:
    """Starts tasks and keeps a reference to each. The event loop keeps weak references only."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def __len__(self) -> int:
        return len(self._tasks)

    def start(self, work: Coroutine[Any, Any, Result]) -> asyncio.Task[Result]:
        """Run a coroutine in a task. If no caller awaits the task, its exception is ignored."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._forget)
        return task

    async def close(self) -> None:
        """Cancel all tasks and wait until they have ended."""
        while self._tasks:
            for task in self._tasks:
                task.cancel()
            # Repeatedly, because redis-py swallows a cancellation that arrives while it connects.
            await asyncio.wait(self._tasks, timeout=_CANCEL_AGAIN_SECONDS)

    def _forget(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            # Reading the exception prevents asyncio's warning that it was never retrieved.
            task.exception()
