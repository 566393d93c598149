"""Naive variant: opens a connection for each request and closes it afterwards.

Every request pays for TCP, SCRAM and a new server process.
"""

from time import perf_counter

import aiopg
from aiohttp import web

from services.chassis.application import SETTINGS
from services.chassis.postgres import DATABASE_METRICS, connection_arguments
from services.connection_pooling.post_by_id import read_post
from services.connection_pooling.technique import TECHNIQUE


async def naive(request: web.Request) -> web.Response:
    metrics = request.app[DATABASE_METRICS]
    arguments = connection_arguments(request.app[SETTINGS], TECHNIQUE.name)
    started = perf_counter()
    async with aiopg.connect(**arguments) as connection:
        metrics.connection_opened()
        metrics.connection_obtained(perf_counter() - started)
        return await read_post(connection, request)
