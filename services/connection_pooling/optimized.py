"""Optimized variant: borrows an open connection from `pool.py` for one read."""

from http import HTTPStatus
from typing import Any

from aiohttp import web

from services.chassis.errors import RETRY_AFTER_SECONDS, Problem
from services.connection_pooling.connection_supply import PoolClosed
from services.connection_pooling.ledger import TooManyWaiters
from services.connection_pooling.pool import ConnectionPool
from services.connection_pooling.post_by_id import read_post

POOL = web.AppKey("pool", ConnectionPool)


class PoolOverloaded(Problem):
    """503 with Retry-After: the pool refused to queue the request."""

    status = HTTPStatus.SERVICE_UNAVAILABLE

    def __init__(self, refusal: TooManyWaiters | PoolClosed) -> None:
        super().__init__(str(refusal))
        self.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)


async def optimized(request: web.Request) -> web.Response:
    async def read(connection: Any) -> web.Response:
        return await read_post(connection, request)

    try:
        return await request.app[POOL].run(read)
    except (TooManyWaiters, PoolClosed) as error:
        raise PoolOverloaded(error) from None
