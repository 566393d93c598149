"""Errors that become problem documents (RFC 9457).

    Problem
    ├── InvalidRequest          400  names the parameter and its bound
    ├── NotFound                404
    ├── DependencyUnavailable   503  with Retry-After
    └── DeadlineExceeded        504

A handler raises one of these, or lets the exception of a library pass. `as_problem` converts the
exceptions of the database, the cache and aiohttp. Other exceptions are logged. The client does not
see their text, which may contain secrets.
"""

import logging
from http import HTTPStatus

import aiohttp
import orjson
import psycopg2
import redis.exceptions
from aiohttp import web

from services.chassis.request_context import REQUEST_ID

logger = logging.getLogger(__name__)

RETRY_AFTER_SECONDS = 1


class Problem(Exception):
    """An exception that becomes the response. `extensions` are members of the problem document."""

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
        super().__init__(f"{dependency} is unavailable; try again later", dependency=dependency)
        self.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)


class DeadlineExceeded(Problem):
    status = HTTPStatus.GATEWAY_TIMEOUT

    def __init__(self) -> None:
        super().__init__("the request was not answered before its deadline")


class _HttpProblem(Problem):
    """An error response of aiohttp: unknown path, method not allowed, body too large."""

    def __init__(self, error: web.HTTPException) -> None:
        super().__init__(error.text or error.reason)
        self.status = HTTPStatus(error.status)
        self.headers = {name: error.headers[name] for name in ("Allow",) if name in error.headers}


def as_problem(error: Exception) -> Problem:
    """The problem for an exception that a handler raised. Logs exceptions of unknown types."""
    match error:
        case Problem():
            return error
        case web.HTTPException():
            return _HttpProblem(error)
        case web.RequestPayloadError():
            return InvalidRequest(
                "the body does not match its headers: Content-Length, Transfer-Encoding or"
                " Content-Encoding"
            )
        case TimeoutError():
            return DeadlineExceeded()
        case psycopg2.OperationalError() | psycopg2.InterfaceError():
            return DependencyUnavailable("postgres")
        case redis.exceptions.RedisError():
            return DependencyUnavailable("redis")
        case aiohttp.ClientConnectionError():
            return DependencyUnavailable("upstream")
        case _:
            logger.error("unexpected error in request %s", REQUEST_ID.get(), exc_info=error)
            return Problem("the service failed; search its log for this request id")
