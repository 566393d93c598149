"""`make bench-techniques`: check the promises of speed in the cards of the techniques.

The benchmarks use real servers and the small data set. Exit code 1: a promise fails. Exit code 2: a
technique is unknown.
"""

import argparse
import asyncio
import importlib
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from benchmarks.techniques.claim import Claim
from services.catalog import BY_NAME
from services.dataset.bulk_load import load
from services.local.data_servers import data_servers
from services.local.state_lock import state_lock
from services.settings import Settings

Claims = Callable[[Settings], AsyncIterator[Claim]]
STATE = Path(".lab") / "benchmarks"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.techniques", description=__doc__)
    parser.add_argument(
        "techniques",
        nargs="*",
        metavar="TECHNIQUE",
        help=f"any of {', '.join(BY_NAME)}; default: all",
    )
    names = parser.parse_args().techniques or list(BY_NAME)
    unknown = [name for name in names if name not in BY_NAME]
    if unknown:
        parser.error(f"unknown technique: {', '.join(unknown)}; choose from {', '.join(BY_NAME)}")
    # Not uvloop: as root, PostgreSQL must start as another user, which uvloop does not support.
    with state_lock(STATE), asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        sys.exit(runner.run(_measured(names)))


async def _measured(names: list[str]) -> int:
    failed = 0
    async with _loaded() as settings:
        for name in names:
            async for claim in _claims_of(name)(settings):
                print(f"{name}: {claim}", flush=True)  # noqa: T201 - the output of the command
                failed += not claim.holds
    return 1 if failed else 0


@asynccontextmanager
async def _loaded() -> AsyncIterator[Settings]:
    async with data_servers(STATE) as (_, servers):
        settings = Settings(**servers, dataset_size="small", startup_timeout=5)
        await asyncio.to_thread(load, settings)
        yield settings


def _claims_of(name: str) -> Claims:
    module = importlib.import_module(f"benchmarks.techniques.{BY_NAME[name].package}")
    claims: Claims = module.claims
    return claims


if __name__ == "__main__":
    main()
