"""The readiness check of an upstream: the upstream is ready if any of its replicas is ready."""

import asyncio
from collections.abc import Collection

from aiohttp import ClientError, ClientSession, hdrs

from gateway.replicas import Replicas
from services.chassis.errors import DependencyUnavailable
from services.chassis.health import Check


def any_replica_ready(session: ClientSession, name: str, replicas: Replicas) -> Check:
    """A check that passes as soon as one replica answers `/readyz` with success.

    The check asks all replicas at the same time. In sequence, one replica that hangs would use up
    the deadline before the others were asked.
    """

    async def check() -> None:
        requests = [
            asyncio.create_task(_check_replica(session, base, replicas.host))
            for base in replicas.bases
        ]
        try:
            await _first_success(name, requests)
        finally:
            for request in requests:
                request.cancel()
            await asyncio.gather(*requests, return_exceptions=True)

    return check


async def _check_replica(session: ClientSession, base: str, host: str) -> None:
    async with session.get(f"{base}/readyz", headers={hdrs.HOST: host}) as response:
        response.raise_for_status()


async def _first_success(name: str, requests: Collection[asyncio.Task[None]]) -> None:
    """Return after the first success. Raises the last failure when all requests fail."""
    failure: Exception = DependencyUnavailable(name)
    for finished in asyncio.as_completed(requests):
        try:
            return await finished
        except ClientError as error:
            failure = error
    raise failure
