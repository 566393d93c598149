"""One child process: start, wait, stop. Its output goes to a log file.

supervisor.py restarts processes that end.
"""

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_LAST_LINES = 5


@dataclass(frozen=True, slots=True)
class Command:
    """The program of a process, its environment, and how to stop it.

    `environment` is added to the environment of this process. `stop_signal` asks the process to
    stop; after `stop_seconds` it is killed. `user` is the number of another account, for root only.
    """

    name: str
    arguments: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = 10.0
    user: int | None = None


class Process:
    """A running command in its own session, so that Ctrl-C reaches only the supervisor."""

    def __init__(self, command: Command, child: asyncio.subprocess.Process, log: Path) -> None:
        self.command = command
        self.log = log
        self._child = child

    @classmethod
    async def start(cls, command: Command, log: Path) -> "Process":
        """Start the program. Raises OSError when it cannot be started."""
        with log.open("ab") as output:
            child = await asyncio.create_subprocess_exec(
                *command.arguments,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={**os.environ, **command.environment},
                start_new_session=True,
                preexec_fn=_end_with_parent(command.stop_signal),
                user=command.user,
                group=command.user,
                extra_groups=None if command.user is None else [],
            )
        return cls(command, child, log)

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def running(self) -> bool:
        return self._child.returncode is None

    async def wait(self) -> int:
        return await self._child.wait()

    async def stop(self) -> None:
        """Send the stop signal and wait; after `stop_seconds` kill the whole session."""
        if self.running:
            with contextlib.suppress(ProcessLookupError):
                self._child.send_signal(self.command.stop_signal)
            try:
                async with asyncio.timeout(self.command.stop_seconds):
                    await self._child.wait()
            except TimeoutError:
                self._kill_session()
                await self._child.wait()

    def last_log_lines(self) -> str:
        """The last lines of the log, indented, for an error message."""
        lines = self.log.read_text("utf-8", errors="replace").splitlines()
        return "\n".join(f"    {line}" for line in lines[-_LAST_LINES:])

    def _kill_session(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)


def _end_with_parent(number: signal.Signals) -> Callable[[], None] | None:
    """A hook that makes Linux signal the child when its parent ends, even by SIGKILL."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl

    def set_parent_death_signal() -> None:
        prctl(_PR_SET_PDEATHSIG, number)

    return set_parent_death_signal
