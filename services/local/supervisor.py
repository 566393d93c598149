"""The supervisor restarts processes that end, and stops all in reverse order of their start."""

import asyncio
import contextlib
import logging
from collections import deque
from pathlib import Path
from time import monotonic
from typing import Self

from services.local.process import Command, Process
from services.local.server_probe import Probe, wait_until

logger = logging.getLogger(__name__)

READY_SECONDS = 60.0
#: The supervisor gives a process up when it ends more often than this within the window.
MAXIMUM_RESTARTS = 3
RESTART_WINDOW_SECONDS = 60.0


class ProcessFailed(Exception):
    """A process cannot be started or kept running. The message ends with its last log lines."""


class Supervisor:
    """Starts, restarts and stops processes. Use it as an asynchronous context manager.

    `logs` is the folder for one log file per process.
    """

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._processes: dict[str, Process] = {}
        self._watchers: list[asyncio.Task[None]] = []
        self._failed: asyncio.Future[ProcessFailed] = asyncio.get_running_loop().create_future()

    async def __aenter__(self) -> Self:
        self._logs.mkdir(parents=True, exist_ok=True)
        return self

    async def __aexit__(self, *exception: object) -> None:
        # A second Ctrl-C must not leave some of the processes running.
        await asyncio.shield(self._stop_all())

    async def start(self, command: Command, ready: Probe) -> None:
        """Start a process and wait until `ready` returns True.

        Raises ProcessFailed when the process ends first, or is not ready after READY_SECONDS.
        """
        log = self._logs / f"{command.name}.log"
        log.unlink(missing_ok=True)
        process = await self._started(command, log)
        await self._until_ready(process, ready)
        watcher = asyncio.create_task(self._watch(command.name), name=f"watch {command.name}")
        self._watchers.append(watcher)

    async def failure(self) -> ProcessFailed:
        """Wait until the supervisor gives up a process, and return the reason."""
        return await asyncio.shield(self._failed)

    async def _until_ready(self, process: Process, ready: Probe) -> None:
        waiting = asyncio.ensure_future(wait_until(ready))
        ended = asyncio.ensure_future(process.wait())
        try:
            await asyncio.wait(
                {waiting, ended}, timeout=READY_SECONDS, return_when=asyncio.FIRST_COMPLETED
            )
            if not waiting.done():
                late = f"was not ready after {READY_SECONDS:g} s"
                raise _failure(process, "ended before it was ready" if ended.done() else late)
            waiting.result()
        finally:
            for task in (waiting, ended):
                task.cancel()

    async def _started(self, command: Command, log: Path) -> Process:
        try:
            process = await Process.start(command, log)
        except OSError as error:
            raise ProcessFailed(f"{command.name} cannot be started: {error}") from error
        self._processes[command.name] = process
        return process

    async def _watch(self, name: str) -> None:
        restarts: deque[float] = deque(maxlen=MAXIMUM_RESTARTS)
        while True:
            process = self._processes[name]
            code = await process.wait()
            now = monotonic()
            if len(restarts) == MAXIMUM_RESTARTS and now - restarts[0] < RESTART_WINDOW_SECONDS:
                self._give_up(_failure(process, f"ended too often, last with code {code}"))
                return
            restarts.append(now)
            logger.warning("%s ended with code %d; restarting it", name, code)
            try:
                await self._started(process.command, process.log)
            except ProcessFailed as error:
                self._give_up(error)
                return

    def _give_up(self, error: ProcessFailed) -> None:
        if not self._failed.done():
            self._failed.set_result(error)

    async def _stop_all(self) -> None:
        for watcher in self._watchers:
            watcher.cancel()
        await asyncio.gather(*self._watchers, return_exceptions=True)
        for process in reversed(self._processes.values()):
            with contextlib.suppress(ProcessLookupError):
                await process.stop()
        self._processes.clear()


def _failure(process: Process, problem: str) -> ProcessFailed:
    return ProcessFailed(
        f"{process.command.name} {problem}; see {process.log}\n{process.last_log_lines()}"
    )
