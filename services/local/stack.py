"""The stack: the data servers, the data set and every process of the lab, started in this order.

Next: data_servers.py starts PostgreSQL and Valkey, supervisor.py restarts and stops processes,
ports.py chooses the ports.
"""

import asyncio
import secrets
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from services.catalog import TECHNIQUES
from services.dataset.bulk_load import load
from services.local.data_servers import data_servers
from services.local.ports import HOST, choose_ports
from services.local.process import Command
from services.local.server_probe import service_is_ready
from services.local.state_lock import state_lock
from services.local.supervisor import Supervisor
from services.settings import Settings, environment_of


@dataclass(frozen=True, slots=True)
class Stack:
    """A running lab: its supervisor, addresses by name, and the environment for its clients."""

    supervisor: Supervisor
    addresses: dict[str, str]
    environment: dict[str, str]


@asynccontextmanager
async def running_stack(settings: Settings, console: Console) -> AsyncIterator[Stack]:
    """Run the whole lab except the load generator. Raises AlreadyRunning or ProcessFailed."""
    state = settings.state_directory
    ports, messages = choose_ports(settings.ports)
    for message in messages:
        console.print(message, style="yellow")
    with state_lock(state):
        console.print("starting PostgreSQL and Valkey")
        async with data_servers(state) as (supervisor, servers):
            connected = settings.model_copy(update=servers)
            await asyncio.to_thread(_load_dataset, connected, console)
            addresses = {name: f"http://{HOST}:{port}" for name, port in ports.items()}
            environment = environment_of(
                {
                    **servers,
                    "upstreams": {each.name: addresses[each.name] for each in TECHNIQUES},
                    "ports": ports,
                    "log_directory": (state / "logs").resolve(),
                    # One secret for the stack: links stay valid when the service is restarted.
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
    """Start all processes at once. The gateway is ready as soon as all services are."""

    async def start(name: str, *arguments: str) -> None:
        command = Command(
            name=name,
            arguments=[sys.executable, "-m", *arguments],
            environment={**stack.environment, **environment_of({"port": ports[name]})},
        )
        await stack.supervisor.start(command, service_is_ready(stack.addresses[name]))

    services = (start(each.name, "services", each.name) for each in TECHNIQUES)
    await asyncio.gather(start("gateway", "gateway"), *services)
