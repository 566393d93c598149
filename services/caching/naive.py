"""Three queries for each page, each time."""

from aiohttp import web

from services.caching.post_page import load_post_page
from services.chassis.parameters import PARAMETERS
from services.chassis.postgres import DATABASE


async def naive(request: web.Request) -> web.Response:
    page = await load_post_page(request.app[DATABASE], request[PARAMETERS].integer("id"))
    return web.Response(body=page, content_type="application/json")
