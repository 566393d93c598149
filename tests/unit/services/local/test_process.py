"""Real child processes: start, output, stop signal, kill."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import psutil
import pytest

from services.local.process import Command, Process
from tests.conftest import until

Start = Callable[..., Awaitable[Process]]

#: Prints a line when the program runs, so that a test can wait for it.
RUNNING = "print('running', flush=True)"
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {RUNNING};"
#: Short sleeps, because one long sleep would miss a signal that arrives just before it begins.
FOREVER = "import itertools, time; any(time.sleep(0.05) for _ in itertools.count())"


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Start]:
    """Start Python programs, and kill those that still run after the test."""
    processes: list[Process] = []

    async def start(program: str, **details: object) -> Process:
        arguments = [sys.executable, "-c", program]
        command = Command("child", arguments, **details)  # type: ignore[arg-type]
        process = await Process.start(command, tmp_path / "child.log")
        processes.append(process)
        return process

    yield start
    for process in processes:
        if process.running:
            os.killpg(process.pid, signal.SIGKILL)
            await process.wait()


async def wait_until_logged(process: Process, text: str) -> None:
    await until(lambda: text in process.log.read_text("utf-8"))


async def test_wait_returns_the_exit_code(start: Start) -> None:
    process = await start("raise SystemExit(7)")
    assert await process.wait() == 7
    assert not process.running


async def test_output_and_errors_go_to_the_log(start: Start) -> None:
    process = await start("import sys; print('out', flush=True); print('err', file=sys.stderr)")
    await process.wait()
    assert process.log.read_text("utf-8") == "out\nerr\n"


async def test_last_log_lines_are_indented(start: Start) -> None:
    process = await start("print(*range(10), sep='\\n')")
    await process.wait()
    assert process.last_log_lines() == "    5\n    6\n    7\n    8\n    9"


async def test_a_child_gets_its_environment_in_addition_to_ours(start: Start) -> None:
    program = "import os; print(os.environ['LAB_PORT'], 'PATH' in os.environ)"
    process = await start(program, environment={"LAB_PORT": "1234"})
    await process.wait()
    assert process.last_log_lines() == "    1234 True"


async def test_a_child_does_not_read_from_the_terminal(start: Start) -> None:
    process = await start("import sys; print(repr(sys.stdin.read()))")
    await process.wait()
    assert process.last_log_lines() == "    ''"


async def test_a_child_has_its_own_session(start: Start) -> None:
    process = await start(FOREVER)
    assert os.getsid(process.pid) == process.pid != os.getsid(0)


async def test_stop_sends_sigterm(start: Start) -> None:
    process = await start(f"{RUNNING}; {FOREVER}")
    await wait_until_logged(process, "running")
    await process.stop()
    assert await process.wait() == -signal.SIGTERM


async def test_stop_sends_the_stop_signal_of_the_command(start: Start) -> None:
    process = await start(f"{STUBBORN} {FOREVER}", stop_signal=signal.SIGINT)
    await wait_until_logged(process, "running")
    await process.stop()
    assert "KeyboardInterrupt" in process.last_log_lines()


async def test_a_process_that_ignores_the_signal_is_killed(start: Start) -> None:
    process = await start(f"{STUBBORN} {FOREVER}", stop_seconds=0.05)
    await wait_until_logged(process, "running")
    await process.stop()
    assert await process.wait() == -signal.SIGKILL


async def test_the_children_of_a_killed_process_are_killed_too(start: Start) -> None:
    program = (
        f"{STUBBORN} import subprocess, sys;"
        f" child = subprocess.Popen([sys.executable, '-c', '{FOREVER}']);"
        " print('child', child.pid, flush=True); child.wait()"
    )
    process = await start(program, stop_seconds=0.05)
    await wait_until_logged(process, "child")
    await until(lambda: process.log.read_text("utf-8").endswith("\n"))
    child = psutil.Process(int(process.last_log_lines().split()[-1]))
    await process.stop()
    assert not process.running
    await until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)


async def test_stopping_an_ended_process_does_nothing(start: Start) -> None:
    process = await start("")
    await process.wait()
    await process.stop()
    assert await process.wait() == 0


async def test_a_missing_program_cannot_be_started(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        await Process.start(Command("child", ["/no/such/program"]), tmp_path / "child.log")


@pytest.mark.skipif(sys.platform != "linux", reason="Linux only")
async def test_a_child_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    log = tmp_path / "child.log"
    parent = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.unit.services.local.parent_process", str(log)),
        stdout=asyncio.subprocess.PIPE,
    )
    assert parent.stdout is not None
    child = psutil.Process(int(await parent.stdout.readline()))
    assert child.is_running()
    parent.kill()
    await parent.wait()
    await until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)
