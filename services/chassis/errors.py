"""What can go wrong, as RFC 9457 problem documents.

    Problem
    ├── InvalidRequest          400  the request names what is wrong and what would be right
    ├── NotFound                404
    ├── DependencyUnavailable   503  with Retry-After
    └── DeadlineExceeded        504

Raise one of these in a handler, or let the exception of a library pass: `as_problem` knows what the
database and the cache raise. Nothing of an unknown exception reaches the client.
"""

import logging
from http import HTTPStatus

import aiohttp
import orjson
import psycopg2
import redis.exceptions
from aiohttp import web

logger = logging.getLogger(__name__)

RETRY_AFTER_SECONDS = 1


class Problem(Exception):
    """An answer other than success; `extensions` become members of the document."""

    status = HTTPStatus.INTERNAL_SERVER_ERROR

    def __init__(self, detail: str, **extensions: object) -> None:
        super().__init__(detail)
        self.detail = detail
        self.extensions = extensions
        self.headers: dict[str, str] = {}

    def response(self, request_id: str) -> web.Response:
        document = {
            "type": "about:blank",
            "title": self.status.phrase,
            "status": self.status,
            "detail": self.detail,
            **self.extensions,
            "request_id": request_id,
        }
        return web.Response(
            status=self.status,
            body=orjson.dumps(document),
            content_type="application/problem+json",
            headers=self.headers,
        )


class InvalidRequest(Problem):
    status = HTTPStatus.BAD_REQUEST


class NotFound(Problem):
    status = HTTPStatus.NOT_FOUND


class DependencyUnavailable(Problem):
    status = HTTPStatus.SERVICE_UNAVAILABLE

    def __init__(self, dependency: str) -> None:
        super().__init__(f"{dependency} is out of reach", dependency=dependency)
        self.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)


class DeadlineExceeded(Problem):
    status = HTTPStatus.GATEWAY_TIMEOUT

    def __init__(self) -> None:
        super().__init__("the request could not be answered within its deadline")


class _HttpProblem(Problem):
    """What aiohttp itself refuses: no such route, a method not allowed, a body too large."""

    def __init__(self, error: web.HTTPException) -> None:
        super().__init__(error.text or error.reason)
        self.status = HTTPStatus(error.status)
        self.headers = {name: error.headers[name] for name in ("Allow",) if name in error.headers}


def as_problem(error: Exception) -> Problem:
    """The answer to an exception that left a handler; what nobody foresaw is logged, not shown."""
    match error:
        case Problem():
            return error
        case web.HTTPException():
            return _HttpProblem(error)
        case web.RequestPayloadError():
            return InvalidRequest("the body cannot be read as its headers describe it")
        case TimeoutError():
            return DeadlineExceeded()
        case psycopg2.OperationalError() | psycopg2.InterfaceError():
            return DependencyUnavailable("postgres")
        case redis.exceptions.RedisError():
            return DependencyUnavailable("redis")
        case aiohttp.ClientConnectionError():
            return DependencyUnavailable("upstream")
        case _:
            logger.error("unexpected error", exc_info=error)
            return Problem("the service failed; its log tells more under this request id")
