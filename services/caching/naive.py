"""Three queries for each page, each time."""

from aiohttp import web

from services.caching.post_page import load_post_page, page_response
from services.chassis.parameters import PARAMETERS
from services.chassis.postgres import DATABASE


async def naive(request: web.Request) -> web.Response:
    number = request[PARAMETERS].integer("id")
    return page_response(await load_post_page(request.app[DATABASE], number), number)
