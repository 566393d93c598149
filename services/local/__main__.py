"""The lab without Docker: `python -m services.local run -- COMMAND…` and `… up`."""

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

from services.chassis.serve import CannotStart, stop_with
from services.local.ports import UnknownName
from services.local.process import Command
from services.local.readiness import service_is_ready
from services.local.stack import AlreadyRunning, Stack, running_stack
from services.local.supervisor import ProcessFailed
from services.settings import InvalidSettings, Settings, environment_of, load_settings

_DEATH_BY_SIGNAL = 128


def main() -> None:
    arguments = _parser().parse_args()
    if arguments.action == "run" and not arguments.command:
        _parser().error("run needs a command: python -m services.local run -- COMMAND…")
    logging.basicConfig(level="WARNING", format="%(message)s")
    console = Console(stderr=True, highlight=False)
    try:
        settings = load_settings()
        sys.exit(asyncio.run(_until_signal(arguments, settings, console)))
    except (InvalidSettings, UnknownName, AlreadyRunning, ProcessFailed) as error:
        stop_with(error)
    except subprocess.CalledProcessError as error:
        stop_with(CannotStart(f"{error.cmd[0]} failed: {error.stderr.decode().strip()}"))
    except OSError as error:
        stop_with(error)
    except psycopg2.Error as error:
        stop_with(CannotStart(f"the data set cannot be loaded: {str(error).strip()}"))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m services.local",
        description="Start the lab on this machine, without Docker and without root: PostgreSQL,"
        " Valkey, seven services and the gateway.",
        epilog="Settings are LAB_* variables: LAB_DATASET_SIZE=small|medium|large,"
        " LAB_PORTS=gateway=9080,caching=9101, LAB_STATE_DIRECTORY=folder; all of them stand in"
        " services/settings.py.",
    )
    actions = parser.add_subparsers(dest="action", required=True)
    actions.add_parser("up", help="run with continuous load until Ctrl-C or SIGTERM")
    run = actions.add_parser("run", help="run a command against the lab and pass on its exit code")
    run.add_argument("command", nargs="*", metavar="COMMAND", help="after --")
    return parser


async def _until_signal(arguments: argparse.Namespace, settings: Settings, console: Console) -> int:
    """The exit code: of the command, or of death by the signal that ended it."""
    task = asyncio.current_task()
    assert task is not None  # noqa: S101 - asyncio.run runs a task
    received: list[int] = []

    def end(number: int) -> None:
        # Only the first: the second would interrupt the stopping.
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
        return _DEATH_BY_SIGNAL + received[0]
    return 0


async def _run(stack: Stack, command: Sequence[str]) -> int:
    """The command keeps this terminal. Raises ProcessFailed when the lab fails meanwhile."""
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
        return code if code >= 0 else _DEATH_BY_SIGNAL - code
    finally:
        failed.cancel()
        if not ended.done():
            with contextlib.suppress(ProcessLookupError):
                child.terminate()
            await ended


async def _up(stack: Stack, console: Console) -> None:
    """Returns never, but by cancellation; raises ProcessFailed when the lab cannot be kept up."""
    address = stack.addresses["loadgen"]
    port = {"port": address.rsplit(":", 1)[1]}
    load = Command(
        name="loadgen",
        # Through the gateway, as clients come: `loadgen run` is what measures services directly.
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
