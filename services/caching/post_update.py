"""`PUT /caching/posts/{id}`: changes a post. The next read in this process shows the change."""

import orjson
from aiohttp import web

from services.caching.lookup import NEAR_CACHE
from services.caching.post_page import change_post, load_post_page
from services.caching.post_response import post_response
from services.chassis.errors import InvalidRequest
from services.chassis.postgres import DATABASE
from services.contract import IntegerParameter

_NUMBER = IntegerParameter("id", "The post's number.", default=1, minimum=1, maximum=1_000_000_000)
_MAXIMUM_CHARACTERS = {"title": 200, "body": 100_000}


async def update_post(request: web.Request) -> web.Response:
    """Raises InvalidRequest, and NotFound if the post does not exist."""
    number = _number(request.match_info["id"])
    fields = _fields(await request.read())
    database = request.app[DATABASE]

    async def commit() -> bool:
        return await change_post(database, number, fields.get("title"), fields.get("body"))

    await request.app[NEAR_CACHE].write(str(number), commit)
    return post_response(await load_post_page(database, number), number)


def _number(text: str) -> int:
    try:
        return _NUMBER.parse(text)
    except ValueError as error:
        raise InvalidRequest(f"id: expected {error}", parameter="id", bound=str(error)) from None


def _fields(body: bytes) -> dict[str, str]:
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InvalidRequest(f"the body is not valid JSON: {error}") from None
    if not isinstance(document, dict) or not document or document.keys() - _MAXIMUM_CHARACTERS:
        raise InvalidRequest("the body must be a JSON object with title, body, or both")
    for name, value in document.items():
        _check_text(name, value)
    return document


def _check_text(name: str, value: object) -> None:
    maximum = _MAXIMUM_CHARACTERS[name]
    # PostgreSQL cannot store NUL in a text.
    if not isinstance(value, str) or not 1 <= len(value) <= maximum or "\0" in value:
        bound = f"a text of 1 to {maximum} characters without NUL"
        raise InvalidRequest(f"{name}: expected {bound}", parameter=name, bound=bound)
