"""When an upstream is ready: as soon as any one of its replicas is."""

import asyncio
from collections.abc import Collection

from aiohttp import ClientError, ClientSession, hdrs

from gateway.replicas import Replicas
from services.chassis.errors import DependencyUnavailable
from services.chassis.health import Check


def any_ready(session: ClientSession, name: str, replicas: Replicas) -> Check:
    """A check that a replica, and all that it needs, is there.

    All are asked at once: in turn, one that hangs would use up the deadline of the others.
    """

    async def check() -> None:
        asking = [
            asyncio.create_task(_ready(session, base, replicas.host)) for base in replicas.bases
        ]
        try:
            await _first_to_succeed(name, asking)
        finally:
            for task in asking:
                task.cancel()
            await asyncio.gather(*asking, return_exceptions=True)

    return check


async def _ready(session: ClientSession, base: str, host: str) -> None:
    async with session.get(f"{base}/readyz", headers={hdrs.HOST: host}) as response:
        response.raise_for_status()


async def _first_to_succeed(name: str, asking: Collection[asyncio.Task[None]]) -> None:
    failure: Exception = DependencyUnavailable(name)
    for finished in asyncio.as_completed(asking):
        try:
            return await finished
        except ClientError as error:
            failure = error
    raise failure
