"""The stack: data servers first, then the data set, then every process of the lab."""

import asyncio
import fcntl
import logging
import os
import secrets
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from services.catalog import TECHNIQUES
from services.dataset.loader import load
from services.local import postgres, valkey
from services.local.ports import HOST, choose, free_port
from services.local.process import Command
from services.local.readiness import postgres_answers, service_is_ready, valkey_answers
from services.local.supervisor import Supervisor
from services.settings import Settings, environment_of

logger = logging.getLogger(__name__)


class AlreadyRunning(Exception):
    """Another lab uses this state directory; the message is one line for a person."""


@dataclass(frozen=True, slots=True)
class Stack:
    """A running lab: supervisor, addresses, and the environment that leads a client to it."""

    supervisor: Supervisor
    addresses: dict[str, str]
    environment: dict[str, str]


@contextmanager
def claimed(state: Path) -> Iterator[None]:
    """Hold the state directory for this process alone; the kernel lets go when the process ends."""
    state.mkdir(parents=True, exist_ok=True)
    with (state / "lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            holder = lock.read().strip() or "unknown"
            raise AlreadyRunning(
                f"a lab is running already in {state} (process {holder}); stop it first,"
                " or set LAB_STATE_DIRECTORY to another folder"
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


@asynccontextmanager
async def data_servers(state: Path) -> AsyncIterator[tuple[Supervisor, dict[str, Any]]]:
    """PostgreSQL and Valkey on free ports, with the settings that lead to them."""
    cluster = await asyncio.to_thread(postgres.prepare, state)
    postgres_port = free_port()
    valkey_port = free_port([postgres_port])
    async with Supervisor(state / "logs") as supervisor:
        await supervisor.start(
            cluster.command(postgres_port),
            postgres_answers(postgres_port, postgres.ROLE, cluster.password),
        )
        await supervisor.start(valkey.command(valkey_port, state), valkey_answers(valkey_port))
        yield (
            supervisor,
            {
                "database_host": HOST,
                "database_port": postgres_port,
                "database_name": "postgres",
                "database_user": postgres.ROLE,
                "database_password": SecretStr(cluster.password),
                "redis_host": HOST,
                "redis_port": valkey_port,
            },
        )


@asynccontextmanager
async def running_stack(settings: Settings, console: Console) -> AsyncIterator[Stack]:
    """The whole lab but the load generator. Raises AlreadyRunning or ProcessFailed."""
    state = settings.state_directory
    ports, moved = choose(settings.ports)
    for line in moved:
        console.print(line, style="yellow")
    with claimed(state):
        console.print("starting PostgreSQL and Valkey")
        async with data_servers(state) as (supervisor, servers):
            loaded = settings.model_copy(update=servers)
            await asyncio.to_thread(_load_dataset, loaded, console)
            addresses = {name: f"http://{HOST}:{port}" for name, port in ports.items()}
            environment = environment_of(
                {
                    **servers,
                    "upstreams": {each.name: addresses[each.name] for each in TECHNIQUES},
                    "ports": ports,
                    "log_directory": (state / "logs").resolve(),
                    # A service that is restarted goes on to honour the links it has handed out.
                    "cursor_secret": secrets.token_urlsafe(24),
                }
            )
            stack = Stack(supervisor, addresses, environment)
            await _start_lab(stack, ports)
            yield stack


def _load_dataset(settings: Settings, console: Console) -> None:
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task(f"loading the {settings.dataset_size} data set", total=None)
        load(settings, lambda done, total: bar.update(task, completed=done, total=total))


async def _start_lab(stack: Stack, ports: dict[str, int]) -> None:
    """All side by side: the gateway is ready once the services behind it are."""

    async def start(name: str, *arguments: str) -> None:
        command = Command(
            name=name,
            arguments=[sys.executable, "-m", *arguments],
            environment={**stack.environment, **environment_of({"port": ports[name]})},
        )
        await stack.supervisor.start(command, service_is_ready(stack.addresses[name]))

    services = (start(each.name, "services", each.name) for each in TECHNIQUES)
    await asyncio.gather(start("gateway", "gateway"), *services)
