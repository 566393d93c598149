"""Naive variant: every request reads the page from PostgreSQL with three queries."""

from aiohttp import web

from services.caching.post_page import load_post_page
from services.caching.post_response import post_response
from services.chassis.parameters import PARAMETERS
from services.chassis.postgres import DATABASE


async def naive(request: web.Request) -> web.Response:
    number = request[PARAMETERS].integer("id")
    return post_response(await load_post_page(request.app[DATABASE], number), number)
