"""A connection that is already open, borrowed for one read."""

from http import HTTPStatus
from typing import Any

from aiohttp import web

from services.chassis.errors import RETRY_AFTER_SECONDS, Problem
from services.connection_pooling.ledger import TooManyWaiting
from services.connection_pooling.pool import ConnectionPool, PoolClosed
from services.connection_pooling.post import post_over

POOL = web.AppKey("pool", ConnectionPool)


class Overloaded(Problem):
    """No connection, and no point in waiting for one."""

    status = HTTPStatus.SERVICE_UNAVAILABLE

    def __init__(self, why: Exception) -> None:
        super().__init__(str(why))
        self.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)


async def optimized(request: web.Request) -> web.Response:
    async def read(connection: Any) -> web.Response:
        return await post_over(connection, request)

    try:
        return await request.app[POOL].run(read)
    except (TooManyWaiting, PoolClosed) as error:
        raise Overloaded(error) from None
