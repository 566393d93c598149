"""One connection for each request: TCP, SCRAM, a new server process, one read, and good-bye."""

from time import perf_counter

import aiopg
from aiohttp import web

from services.chassis.application import SETTINGS
from services.chassis.postgres import DATABASE_METRICS, connection_arguments
from services.connection_pooling.post import post_over
from services.connection_pooling.technique import TECHNIQUE


async def naive(request: web.Request) -> web.Response:
    metrics = request.app[DATABASE_METRICS]
    arguments = connection_arguments(request.app[SETTINGS], TECHNIQUE.name)
    started = perf_counter()
    async with aiopg.connect(**arguments) as connection:
        metrics.connection_opened()
        metrics.connection_obtained(perf_counter() - started)
        return await post_over(connection, request)
