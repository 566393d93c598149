"""The supervisor with real child processes: readiness, restarts, giving up, stopping."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from services.local import supervisor as supervisor_module
from services.local.process import Command
from services.local.server_probe import Probe
from services.local.supervisor import MAXIMUM_RESTARTS, ProcessFailed, Supervisor
from tests.conftest import until

#: Appends its process id to the file FILE, so that a test sees each start.
FOREVER = (
    "import os, pathlib, time;"
    " pathlib.Path(os.environ['FILE']).open('a').write(f'{os.getpid()}\\n');"
    " time.sleep(600)"
)


class Program:
    """A command that runs forever, and the ids of the processes that have run it."""

    def __init__(self, folder: Path, name: str) -> None:
        self._file = folder / f"{name}.pids"
        self.command = Command(
            name, [sys.executable, "-c", FOREVER], environment={"FILE": str(self._file)}
        )

    @property
    def started(self) -> list[int]:
        if not self._file.exists():
            return []
        return [int(line) for line in self._file.read_text("utf-8").splitlines() if line]

    async def has_started(self) -> bool:
        return bool(self.started)


async def at_once() -> bool:
    return True


async def never() -> bool:
    return False


def runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.fixture
async def supervisor(tmp_path: Path) -> AsyncIterator[Supervisor]:
    async with Supervisor(tmp_path / "logs") as supervisor:
        yield supervisor


async def test_start_returns_when_the_process_is_ready(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    program = Program(tmp_path, "one")
    await supervisor.start(program.command, program.has_started)
    assert len(program.started) == 1


async def test_a_killed_process_is_restarted(supervisor: Supervisor, tmp_path: Path) -> None:
    program = Program(tmp_path, "one")
    await supervisor.start(program.command, program.has_started)
    os.kill(program.started[0], signal.SIGKILL)
    await until(lambda: len(program.started) == 2)
    assert runs(program.started[1])


async def test_each_of_two_killed_processes_is_restarted(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    programs = [Program(tmp_path, name) for name in ("one", "two")]
    await asyncio.gather(
        *(supervisor.start(program.command, program.has_started) for program in programs)
    )
    for program in programs:
        os.kill(program.started[0], signal.SIGKILL)
        await until(lambda program=program: len(program.started) > 1)  # type: ignore[misc]
    assert [len(program.started) for program in programs] == [2, 2]


async def test_a_process_that_ends_too_often_is_given_up_with_its_last_log_lines(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    # The program ends only after `start` has returned; before, its end would be an error of start.
    program = (
        f"import pathlib, time; ready = pathlib.Path({str(tmp_path / 'ready')!r})\n"
        "while not ready.exists(): time.sleep(0.01)\n"
        "print('out of luck'); raise SystemExit(3)"
    )
    command = Command("unlucky", [sys.executable, "-c", program])
    await supervisor.start(command, at_once)
    (tmp_path / "ready").touch()
    async with asyncio.timeout(60):
        failure = await supervisor.failure()
    message = str(failure)
    assert message.startswith("unlucky ended too often, last with code 3; see ")
    log = tmp_path / "logs" / "unlucky.log"
    assert str(log) in message
    assert message.endswith("    out of luck")
    assert log.read_text("utf-8").count("out of luck") == MAXIMUM_RESTARTS + 1


async def test_a_process_that_ends_before_it_is_ready_fails_with_its_last_log_lines(
    supervisor: Supervisor,
) -> None:
    command = Command("hasty", [sys.executable, "-c", "raise SystemExit('no port')"])
    with pytest.raises(ProcessFailed, match=r"(?s)^hasty ended before .*; see .*    no port$"):
        await supervisor.start(command, never)


async def test_a_process_that_is_not_ready_in_time_fails(
    supervisor: Supervisor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor_module, "READY_SECONDS", 0.05)
    with pytest.raises(ProcessFailed, match=r"^one was not ready after 0\.05 s; see "):
        await supervisor.start(Program(tmp_path, "one").command, never)


async def test_a_missing_program_fails(supervisor: Supervisor) -> None:
    with pytest.raises(ProcessFailed, match="ghost cannot be started"):
        await supervisor.start(Command("ghost", ["/no/such/program"]), at_once)


async def test_a_program_missing_at_its_restart_is_given_up(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    program = Program(tmp_path, "one")
    python = tmp_path / "python"
    python.symlink_to(sys.executable)
    arguments = [str(python), *program.command.arguments[1:]]
    await supervisor.start(replace(program.command, arguments=arguments), program.has_started)
    python.unlink()
    os.kill(program.started[0], signal.SIGKILL)
    async with asyncio.timeout(10):
        assert "one" in str(await supervisor.failure())


async def test_start_deletes_the_old_log(supervisor: Supervisor, tmp_path: Path) -> None:
    log = tmp_path / "logs" / "one.log"
    log.write_text("from the last time", "utf-8")
    program = Program(tmp_path, "one")
    await supervisor.start(program.command, program.has_started)
    assert log.read_text("utf-8") == ""


async def test_processes_are_stopped_in_reverse_order_of_their_start(tmp_path: Path) -> None:
    stopped = tmp_path / "stopped"
    program = (
        "import pathlib, signal, sys, time\n"
        "def leave(*_):\n"
        f"    pathlib.Path({str(stopped)!r}).open('a').write(sys.argv[1] + '\\n')\n"
        "    sys.exit()\n"
        "signal.signal(signal.SIGTERM, leave)\n"
        "print('running', flush=True)\n"
        # One long sleep would miss a signal that arrives just before the sleep begins.
        "while True: time.sleep(0.05)"
    )

    def running(name: str) -> Probe:
        async def probe() -> bool:
            return "running" in (tmp_path / "logs" / f"{name}.log").read_text("utf-8")

        return probe

    async with Supervisor(tmp_path / "logs") as supervisor:
        for name in ("one", "two", "three"):
            command = Command(name, [sys.executable, "-c", program, name])
            await supervisor.start(command, running(name))
    assert stopped.read_text("utf-8").split() == ["three", "two", "one"]


async def test_stopped_processes_are_not_restarted(tmp_path: Path) -> None:
    programs = [Program(tmp_path, name) for name in ("one", "two")]
    async with Supervisor(tmp_path / "logs") as supervisor:
        for program in programs:
            await supervisor.start(program.command, program.has_started)
    assert [len(program.started) for program in programs] == [1, 1]
    assert not any(runs(program.started[0]) for program in programs)


async def test_processes_are_stopped_when_the_block_raises(tmp_path: Path) -> None:
    program = Program(tmp_path, "one")

    async def fail() -> None:
        async with Supervisor(tmp_path / "logs") as supervisor:
            await supervisor.start(program.command, program.has_started)
            raise LookupError

    with pytest.raises(LookupError):
        await fail()
    assert not runs(program.started[0])
