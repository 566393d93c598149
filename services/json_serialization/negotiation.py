"""The media type that client and service agree on, or a problem document that names the choice."""

from http import HTTPStatus

from aiohttp import web

from services.chassis.errors import Problem
from services.json_serialization.media_type import NotAcceptable, choose

#: For every answer that was chosen by it, so that no cache gives it to who asked for another.
VARY = {"Vary": "Accept"}


class MediaTypeNotAcceptable(Problem):
    status = HTTPStatus.NOT_ACCEPTABLE


def agreed(request: web.Request, offered: tuple[str, ...]) -> str:
    """Raises MediaTypeNotAcceptable. Without a header it is the first that is offered."""
    # A header sent in several lines means the same as one line with commas.
    accept = ",".join(request.headers.getall("Accept", ()))
    try:
        return choose(accept, offered)
    except NotAcceptable:
        problem = MediaTypeNotAcceptable(
            f"Accept: none of what is offered here is accepted: {', '.join(offered)}",
            offered=list(offered),
        )
        problem.headers.update(VARY)
        raise problem from None
