"""What PostgreSQL says of the statements that reached it, against what the service says it sent."""

from collections.abc import Iterator

import pytest

from services.catalog import BY_NAME
from tests.compose.lab import Answer, Lab

TECHNIQUE = BY_NAME["n-plus-one"]
BUDGET = 3


@pytest.fixture(scope="module")
def quiet(lab: Lab) -> Iterator[Lab]:
    """The lab without its load, so that every statement is that of a test."""
    lab.compose("stop", "loadgen")
    yield lab
    lab.up()


def ask(lab: Lab, statement: str) -> str:
    command = ("psql", "--host=/var/run/postgresql", "--username=lab", "--dbname=lab")
    return lab.compose("exec", "-T", "postgres", *command, "-qAt", "-c", statement).strip()


def seen_by_server(lab: Lab) -> int:
    # Of the lab's tables alone: health checks have a statement of their own.
    calls = ask(
        lab,
        "SELECT coalesce(sum(calls), 0) FROM pg_stat_statements"
        r" WHERE query ~ '\m(posts|comments|authors)\M'",
    )
    return int(calls)


def expected(variant: str, answer: Answer) -> range:
    """How many statements the answer may have taken."""
    if variant != "naive":
        return range(1, BUDGET + 1)
    posts = answer.json()["posts"]
    exactly = 1 + len(posts) + sum(len(post["comments"]) for post in posts)
    return range(exactly, exactly + 1)


@pytest.mark.parametrize("variant", TECHNIQUE.variant_names())
def test_the_server_has_seen_what_the_service_counted(quiet: Lab, variant: str) -> None:
    for posts in (0, 1, 50, 200):
        ask(quiet, "SELECT pg_stat_statements_reset()")
        answer = quiet.get(TECHNIQUE.path(variant), posts=str(posts), start="100")
        seen = seen_by_server(quiet)
        assert len(answer.json()["posts"]) == posts
        assert seen == int(answer.headers["X-Query-Count"])
        assert seen in expected(variant, answer)
        assert answer.headers["X-Query-Budget"] == str(BUDGET)
