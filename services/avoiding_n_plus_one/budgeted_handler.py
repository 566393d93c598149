"""Gives each request a query budget and reports its statements in headers and metrics.

A request over its budget is still answered. Refusing it would help no client; tests enforce the
budget instead. `query_budget.py` does the counting.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web
from aiohttp.typedefs import Handler
from multidict import istr
from prometheus_client import Counter

from services import telemetry
from services.avoiding_n_plus_one.query_budget import CountedSession, QueryBudget
from services.chassis.histogram_collector import Distribution
from services.chassis.metrics import METRICS, Metrics
from services.chassis.postgres import DATABASE
from services.chassis.request_context import VARIANT

#: One for the posts, one for their comments, one for the comments' authors.
ALLOWED_STATEMENTS = 3

_COUNT_HEADER = istr("X-Query-Count")
_BUDGET_HEADER = istr("X-Query-Budget")
_BUDGET = web.RequestKey("query_budget", QueryBudget)


@asynccontextmanager
async def counted_session(request: web.Request) -> AsyncIterator[CountedSession]:
    """Lends a connection and counts its statements for the request. Raises like `session()`."""
    async with request.app[DATABASE].session() as session:
        yield CountedSession(session, request[_BUDGET])


class BudgetMetrics:
    """Counts statements per request and requests over budget, by variant."""

    def __init__(self, metrics: Metrics) -> None:
        self._technique = metrics.technique
        self._sent = metrics.histogram(telemetry.DATABASE_OPERATIONS_PER_REQUEST)
        self._over = metrics.counter(telemetry.DATABASE_OVER_BUDGET)
        self._children: dict[str, tuple[Distribution, Counter]] = {}

    def request_finished(self, budget: QueryBudget) -> None:
        variant = VARIANT.get()
        children = self._children.get(variant)
        if children is None:
            children = self._children[variant] = (
                self._sent.labels(self._technique, variant),
                self._over.labels(self._technique, variant),
            )
        sent, over = children
        sent.observe(budget.spent)
        if budget.is_exceeded:
            over.inc()


_METRICS = web.AppKey("budget_metrics", BudgetMetrics)


def use_query_budgets(application: web.Application) -> None:
    """Adds the metrics that `budgeted` handlers need."""
    application[_METRICS] = BudgetMetrics(application[METRICS])


def budgeted(handler: Handler) -> Handler:
    """Wraps a handler: each request gets a budget, and its response says how much was spent."""

    async def handle(request: web.Request) -> web.StreamResponse:
        budget = request[_BUDGET] = QueryBudget(ALLOWED_STATEMENTS)
        try:
            response = await handler(request)
        finally:
            # Failed requests count too: the database ran their statements.
            request.app[_METRICS].request_finished(budget)
        response.headers[_COUNT_HEADER] = str(budget.spent)
        response.headers[_BUDGET_HEADER] = str(budget.allowed)
        return response

    return handle
