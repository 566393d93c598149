"""A connection that is already open, borrowed for one read."""

from aiohttp import web

from services.connection_pooling.pool import ConnectionPool
from services.connection_pooling.post import post_over

POOL = web.AppKey("pool", ConnectionPool)


async def optimized(request: web.Request) -> web.Response:
    async with request.app[POOL].connection() as connection:
        return await post_over(connection, request)
