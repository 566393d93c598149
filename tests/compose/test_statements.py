"""The statements that PostgreSQL counts equal those that the service reports."""

from collections.abc import Iterator

import pytest

from services.catalog import BY_NAME
from tests.compose.lab import Answer, Lab

TECHNIQUE = BY_NAME["n-plus-one"]
BUDGET = 3


@pytest.fixture(scope="module")
def quiet(lab: Lab) -> Iterator[Lab]:
    """The lab without its load, so that all statements come from the test."""
    lab.compose("stop", "loadgen")
    yield lab
    lab.up()


def run_sql(lab: Lab, statement: str) -> str:
    command = ("psql", "--host=/var/run/postgresql", "--username=lab", "--dbname=lab")
    return lab.compose("exec", "-T", "postgres", *command, "-qAt", "-c", statement).strip()


def statements_on_server(lab: Lab) -> int:
    # Only statements on the lab's tables count. Health checks send other statements.
    calls = run_sql(
        lab,
        "SELECT coalesce(sum(calls), 0) FROM pg_stat_statements"
        r" WHERE query ~ '\m(posts|comments|authors)\M'",
    )
    return int(calls)


def expected(variant: str, answer: Answer) -> range:
    """The possible numbers of statements for a response."""
    if variant != "naive":
        return range(1, BUDGET + 1)
    posts = answer.json()["posts"]
    exactly = 1 + len(posts) + sum(len(post["comments"]) for post in posts)
    return range(exactly, exactly + 1)


@pytest.mark.parametrize("variant", TECHNIQUE.variant_names())
def test_the_server_counts_the_statements_that_the_service_reports(
    quiet: Lab, variant: str
) -> None:
    for posts in (0, 1, 50, 200):
        run_sql(quiet, "SELECT pg_stat_statements_reset()")
        answer = quiet.get(TECHNIQUE.path(variant), posts=str(posts), start="100")
        seen = statements_on_server(quiet)
        assert len(answer.json()["posts"]) == posts
        assert seen == int(answer.headers["X-Query-Count"])
        assert seen in expected(variant, answer)
        assert answer.headers["X-Query-Budget"] == str(BUDGET)
