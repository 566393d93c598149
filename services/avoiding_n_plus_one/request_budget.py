"""A query budget for each request: counted, reported in headers and metrics, never enforced.

A request over its budget is a slow one, and refusing it would help nobody: what fails is a test.
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

#: One for the list and one for each of the two relations below it.
ALLOWED_STATEMENTS = 3

_COUNT_HEADER = istr("X-Query-Count")
_BUDGET_HEADER = istr("X-Query-Budget")
_BUDGET = web.RequestKey("query_budget", QueryBudget)


@asynccontextmanager
async def counted_session(request: web.Request) -> AsyncIterator[CountedSession]:
    """A connection whose statements count for the request; raises as the pool's own does."""
    async with request.app[DATABASE].session() as session:
        yield CountedSession(session, request[_BUDGET])


class BudgetMetrics:
    """Statements of a request, and whether they were too many, by the variant that answered."""

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
    """What `budgeted` handlers report to."""
    application[_METRICS] = BudgetMetrics(application[METRICS])


def budgeted(handler: Handler) -> Handler:
    """The handler, with a budget for each request, and headers that say what was spent of it."""

    async def counted(request: web.Request) -> web.StreamResponse:
        budget = request[_BUDGET] = QueryBudget(ALLOWED_STATEMENTS)
        try:
            response = await handler(request)
        finally:
            # Also when it failed: what it sent before that has cost as much.
            request.app[_METRICS].request_finished(budget)
        response.headers[_COUNT_HEADER] = str(budget.spent)
        response.headers[_BUDGET_HEADER] = str(budget.allowed)
        return response

    return counted
