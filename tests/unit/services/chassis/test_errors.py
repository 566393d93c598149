"""Every failure as a problem document, and nothing in it that a stranger should not see."""

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


def document(problem: Problem) -> dict[str, object]:
    response = problem.response("the-request")
    assert response.content_type == "application/problem+json"
    assert isinstance(response.body, bytes)
    found: dict[str, object] = orjson.loads(response.body)
    assert found["status"] == response.status
    return found


def test_a_problem_says_what_is_wrong_and_in_which_request() -> None:
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
        (NotFound("no such post"), 404, "no such post"),
        (DependencyUnavailable("clock"), 503, "clock is out of reach"),
        (DeadlineExceeded(), 504, "the request could not be answered within its deadline"),
        (TimeoutError(), 504, "the request could not be answered within its deadline"),
        (psycopg2.OperationalError("secret"), 503, "postgres is out of reach"),
        (psycopg2.InterfaceError("secret"), 503, "postgres is out of reach"),
        (redis.exceptions.ConnectionError("secret"), 503, "redis is out of reach"),
        (redis.exceptions.TimeoutError("secret"), 503, "redis is out of reach"),
        (redis.exceptions.ResponseError("secret"), 503, "redis is out of reach"),
        (
            web.RequestPayloadError("secret"),
            400,
            "the body cannot be read as its headers describe it",
        ),
        (aiohttp.ServerDisconnectedError("secret"), 503, "upstream is out of reach"),
        (web.HTTPNotFound(text="nothing there"), 404, "nothing there"),
        (web.HTTPRequestEntityTooLarge(10), 413, "Maximum request body size 10 exceeded."),
    ],
)
def test_an_exception_becomes_the_answer_that_fits_it(
    error: Exception, status: int, detail: str
) -> None:
    answered = document(as_problem(error))
    assert (answered["status"], answered["detail"]) == (status, detail)
    assert "secret" not in str(answered)


def test_a_missing_dependency_is_named_and_may_be_tried_again() -> None:
    problem = as_problem(psycopg2.OperationalError())
    assert document(problem)["dependency"] == "postgres"
    assert int(problem.response("").headers["Retry-After"]) > 0


def test_a_refused_method_says_which_are_allowed() -> None:
    problem = as_problem(web.HTTPMethodNotAllowed("POST", ["GET", "HEAD"]))
    assert problem.response("").headers["Allow"] == "GET,HEAD"


@pytest.mark.parametrize(
    "error", [RuntimeError("secret"), psycopg2.ProgrammingError("secret"), KeyError("secret")]
)
def test_an_unforeseen_exception_is_logged_and_not_shown(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    answered = document(as_problem(error))
    assert answered.keys() == {"type", "title", "status", "detail", "request_id"}
    assert answered["status"] == 500
    assert "secret" not in str(answered)
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert record.exc_info is not None
    assert record.exc_info[1] is error
