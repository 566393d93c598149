"""Errors as problem documents, without the text of unknown exceptions."""

import logging

import aiohttp
import orjson
import psycopg2
import pytest
import redis.exceptions
from aiohttp import web

from services.chassis.errors import (
    DeadlineExceeded,
    DependencyUnavailable,
    InvalidRequest,
    NotFound,
    Problem,
    as_problem,
)
from services.chassis.request_context import REQUEST_ID

UPSTREAM_UNAVAILABLE = "upstream is unavailable; try again later"


def document(problem: Problem) -> dict[str, object]:
    response = problem.response("the-request")
    assert response.content_type == "application/problem+json"
    assert isinstance(response.body, bytes)
    content: dict[str, object] = orjson.loads(response.body)
    assert content["status"] == response.status
    return content


def test_a_problem_document_has_detail_extensions_and_request_id() -> None:
    problem = InvalidRequest("count: too many", parameter="count", bound="at most 10")
    assert document(problem) == {
        "type": "about:blank",
        "title": "Bad Request",
        "status": 400,
        "detail": "count: too many",
        "parameter": "count",
        "bound": "at most 10",
        "request_id": "the-request",
    }


@pytest.mark.parametrize(
    ("error", "status", "detail"),
    [
        (InvalidRequest("wrong"), 400, "wrong"),
        (NotFound("post 7 does not exist"), 404, "post 7 does not exist"),
        (DependencyUnavailable("clock"), 503, "clock is unavailable; try again later"),
        (DeadlineExceeded(), 504, "the request was not answered before its deadline"),
        (TimeoutError(), 504, "the request was not answered before its deadline"),
        (psycopg2.OperationalError("secret"), 503, "postgres is unavailable; try again later"),
        (psycopg2.InterfaceError("secret"), 503, "postgres is unavailable; try again later"),
        (redis.exceptions.ConnectionError("secret"), 503, "redis is unavailable; try again later"),
        (redis.exceptions.TimeoutError("secret"), 503, "redis is unavailable; try again later"),
        (redis.exceptions.ResponseError("secret"), 503, "redis is unavailable; try again later"),
        (
            web.RequestPayloadError("secret"),
            400,
            "the body does not match its headers: Content-Length, Transfer-Encoding or"
            " Content-Encoding",
        ),
        (aiohttp.ServerDisconnectedError("secret"), 503, UPSTREAM_UNAVAILABLE),
        (web.HTTPNotFound(text="nothing there"), 404, "nothing there"),
        (web.HTTPRequestEntityTooLarge(10), 413, "Maximum request body size 10 exceeded."),
    ],
)
def test_an_exception_becomes_a_problem_with_status_and_detail(
    error: Exception, status: int, detail: str
) -> None:
    answered = document(as_problem(error))
    assert (answered["status"], answered["detail"]) == (status, detail)
    assert "secret" not in str(answered)


def test_an_unavailable_dependency_is_named_with_retry_after() -> None:
    problem = as_problem(psycopg2.OperationalError())
    assert document(problem)["dependency"] == "postgres"
    assert problem.response("").headers["Retry-After"] == "1"


def test_a_refused_method_lists_the_allowed_methods() -> None:
    problem = as_problem(web.HTTPMethodNotAllowed("POST", ["GET", "HEAD"]))
    assert problem.response("").headers["Allow"] == "GET,HEAD"


@pytest.mark.parametrize(
    "error", [RuntimeError("secret"), psycopg2.ProgrammingError("secret"), KeyError("secret")]
)
def test_an_unknown_exception_is_logged_with_the_request_id_but_not_shown(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    REQUEST_ID.set("the-request")
    answered = document(as_problem(error))
    assert answered.keys() == {"type", "title", "status", "detail", "request_id"}
    assert answered["status"] == 500
    assert "secret" not in str(answered)
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert "the-request" in record.getMessage()
    assert record.exc_info is not None
    assert record.exc_info[1] is error
