"""Real child processes: started, asked to stop, made to stop."""

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

#: Says that it runs, so that a test need not guess whether it has come that far.
RUNNING = "print('running', flush=True)"
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {RUNNING};"
FOREVER = "import time; time.sleep(600)"


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Start]:
    """Start Python programs, and end what is left of them with the test."""
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


async def until_logged(process: Process, text: str) -> None:
    await until(lambda: text in process.log.read_text("utf-8"))


async def test_a_process_ends_with_its_code(start: Start) -> None:
    process = await start("raise SystemExit(7)")
    assert await process.wait() == 7
    assert not process.running


async def test_what_it_prints_is_in_its_log(start: Start) -> None:
    process = await start("import sys; print('out', flush=True); print('err', file=sys.stderr)")
    await process.wait()
    assert process.log.read_text("utf-8") == "out\nerr\n"


async def test_its_last_words_are_the_last_lines_of_its_log(start: Start) -> None:
    process = await start("print(*range(10), sep='\\n')")
    await process.wait()
    assert process.last_words() == "    5\n    6\n    7\n    8\n    9"


async def test_it_gets_its_environment_beside_ours(start: Start) -> None:
    program = "import os; print(os.environ['LAB_PORT'], 'PATH' in os.environ)"
    process = await start(program, environment={"LAB_PORT": "1234"})
    await process.wait()
    assert process.last_words() == "    1234 True"


async def test_it_reads_nothing_from_our_terminal(start: Start) -> None:
    process = await start("import sys; print(repr(sys.stdin.read()))")
    await process.wait()
    assert process.last_words() == "    ''"


async def test_it_lives_in_a_session_of_its_own(start: Start) -> None:
    process = await start(FOREVER)
    assert os.getsid(process.pid) == process.pid != os.getsid(0)


async def test_a_process_that_was_asked_to_stop_stops(start: Start) -> None:
    process = await start(f"{RUNNING}; {FOREVER}")
    await until_logged(process, "running")
    await process.stop()
    assert await process.wait() == -signal.SIGTERM


async def test_a_process_is_asked_by_the_signal_that_it_wants(start: Start) -> None:
    process = await start(f"{STUBBORN} {FOREVER}", stop_signal=signal.SIGINT)
    await until_logged(process, "running")
    await process.stop()
    assert "KeyboardInterrupt" in process.last_words()


async def test_a_process_that_will_not_stop_is_killed(start: Start) -> None:
    process = await start(f"{STUBBORN} {FOREVER}", stop_seconds=0.05)
    await until_logged(process, "running")
    await process.stop()
    assert await process.wait() == -signal.SIGKILL


async def test_with_a_process_that_will_not_stop_its_children_are_killed(start: Start) -> None:
    program = (
        f"{STUBBORN} import subprocess, sys;"
        f" child = subprocess.Popen([sys.executable, '-c', '{FOREVER}']);"
        " print('child', child.pid, flush=True); child.wait()"
    )
    process = await start(program, stop_seconds=0.05)
    await until_logged(process, "child")
    await until(lambda: process.log.read_text("utf-8").endswith("\n"))
    child = psutil.Process(int(process.last_words().split()[-1]))
    await process.stop()
    assert not process.running
    await until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)


async def test_stopping_what_has_ended_does_nothing(start: Start) -> None:
    process = await start("")
    await process.wait()
    await process.stop()
    assert await process.wait() == 0


async def test_a_program_that_does_not_exist_cannot_be_started(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        await Process.start(Command("child", ["/no/such/program"]), tmp_path / "child.log")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's end")
async def test_a_child_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    log = tmp_path / "child.log"
    parent = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.unit.services.local.parent", str(log)),
        stdout=asyncio.subprocess.PIPE,
    )
    assert parent.stdout is not None
    child = psutil.Process(int(await parent.stdout.readline()))
    assert child.is_running()
    parent.kill()
    await parent.wait()
    await until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)
