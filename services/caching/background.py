"""Work that goes on behind an answer: bounded, and ended with the service."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")

_ASK_AGAIN_SECONDS = 0.1


class Background:
    """Keeps hold of tasks: the event loop alone would let them be collected half-way."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def __len__(self) -> int:
        return len(self._tasks)

    def start(self, work: Coroutine[Any, Any, Result]) -> asyncio.Task[Result]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    async def close(self) -> None:
        """Returns when nothing runs any more."""
        while self._tasks:
            for task in self._tasks:
                task.cancel()
            # Again and again: redis-py swallows a cancellation that meets it while it connects.
            await asyncio.wait(self._tasks, timeout=_ASK_AGAIN_SECONDS)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            # Asked for, so that a failure which nobody waits for any more is not complained about.
            task.exception()
