"""Command line of the lab without Docker: `run -- COMMAND…` and `up`.

`python -m services.local --help` explains both. stack.py starts the processes.
"""

import argparse
import asyncio
import contextlib
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Sequence

import psycopg2
from rich.console import Console

from services.chassis.serve import CannotStart, exit_with_error
from services.local.ports import UnknownName
from services.local.process import Command
from services.local.server_probe import service_is_ready
from services.local.stack import Stack, running_stack
from services.local.state_lock import AlreadyRunning
from services.local.supervisor import ProcessFailed
from services.settings import InvalidSettings, Settings, environment_of, load_settings

#: A shell's exit code for a process that a signal ended: this number plus the signal's.
_SIGNAL_EXIT_BASE = 128


def main() -> None:
    arguments = _parser().parse_args()
    if arguments.action == "run" and not arguments.command:
        _parser().error("run needs a command: python -m services.local run -- COMMAND…")
    logging.basicConfig(level="WARNING", format="%(message)s")
    console = Console(stderr=True, highlight=False)
    try:
        settings = load_settings()
        sys.exit(asyncio.run(_perform(arguments, settings, console)))
    except (InvalidSettings, UnknownName, AlreadyRunning, ProcessFailed) as error:
        exit_with_error(error)
    except subprocess.CalledProcessError as error:
        exit_with_error(CannotStart(f"{error.cmd[0]} failed: {error.stderr.decode().strip()}"))
    except OSError as error:
        exit_with_error(error)
    except psycopg2.Error as error:
        exit_with_error(CannotStart(f"cannot load the data set: {str(error).strip()}"))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m services.local",
        description="Start the lab on this machine, without Docker and without root: PostgreSQL,"
        " Valkey, one service per technique and the gateway.",
        epilog="Settings are LAB_* variables: LAB_DATASET_SIZE=small|medium|large,"
        " LAB_PORTS=gateway=9080,caching=9101, LAB_STATE_DIRECTORY=folder."
        " services/settings.py lists all of them.",
    )
    actions = parser.add_subparsers(dest="action", required=True)
    actions.add_parser("up", help="run the lab under continuous load until Ctrl-C or SIGTERM")
    run = actions.add_parser("run", help="run a command against the lab; exit with its code")
    run.add_argument("command", nargs="*", metavar="COMMAND", help="the command, after --")
    return parser


async def _perform(arguments: argparse.Namespace, settings: Settings, console: Console) -> int:
    """Perform the action until it ends or a signal arrives; return the exit code."""
    task = asyncio.current_task()
    assert task is not None  # noqa: S101 - asyncio.run runs a task
    received: list[int] = []

    def end(number: int) -> None:
        # Only the first signal counts. A second one would interrupt the shutdown.
        if not received:
            received.append(number)
            task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, end, number)
    try:
        async with running_stack(settings, console) as stack:
            if arguments.action == "run":
                return await _run(stack, arguments.command)
            await _up(stack, console)
    except asyncio.CancelledError:
        if arguments.action == "up":
            console.print("stopped")
            return 0
        return _SIGNAL_EXIT_BASE + received[0]
    return 0


async def _run(stack: Stack, command: Sequence[str]) -> int:
    """Run the command in this terminal; return its exit code.

    Raises ProcessFailed when the command cannot be started or the lab fails while it runs.
    """
    environment = {**os.environ, **stack.environment}
    try:
        child = await asyncio.create_subprocess_exec(*command, env=environment)
    except OSError as error:
        raise ProcessFailed(f"{command[0]} cannot be started: {error.strerror}") from error
    ended = asyncio.ensure_future(child.wait())
    failed = asyncio.ensure_future(stack.supervisor.failure())
    try:
        await asyncio.wait({ended, failed}, return_when=asyncio.FIRST_COMPLETED)
        if not ended.done():
            raise failed.result()
        code = ended.result()
        return code if code >= 0 else _SIGNAL_EXIT_BASE - code
    finally:
        failed.cancel()
        if not ended.done():
            with contextlib.suppress(ProcessLookupError):
                child.terminate()
            await ended


async def _up(stack: Stack, console: Console) -> None:
    """Drive load until cancelled. Raises ProcessFailed when the lab cannot be kept running."""
    address = stack.addresses["loadgen"]
    port = {"port": address.rsplit(":", 1)[1]}
    load = Command(
        name="loadgen",
        # Continuous load takes the clients' way, through the gateway. `loadgen run` measures the
        # services directly.
        arguments=[
            *(sys.executable, "-m", "loadgen", "drive"),
            *("--target", stack.addresses["gateway"]),
        ],
        environment={**stack.environment, **environment_of(port)},
    )
    await stack.supervisor.start(load, service_is_ready(address))
    for name, location in stack.addresses.items():
        console.print(f"{name:<20} {location}")
    console.print("load is running; Ctrl-C stops everything")
    raise await stack.supervisor.failure()


if __name__ == "__main__":
    main()
