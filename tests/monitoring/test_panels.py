"""Every panel, as Grafana would ask it, has data in a lab under load."""

import json
import urllib.error
from collections.abc import Callable

import pytest

from monitoring.generation import GENERATED, HERE
from monitoring.questions import QUESTIONS
from monitoring.recording import P50
from services import telemetry
from tests.monitoring.conftest import PANEL_SERIES, STATE
from tests.monitoring.grafana import (
    SCRAPE_SECONDS,
    Dashboard,
    Panel,
    Question,
    choices,
    panels,
    questions,
)
from tests.monitoring.prometheus import Prometheus

pytestmark = pytest.mark.timeout(300)

DASHBOARDS: list[Dashboard] = [
    json.loads(path.read_text("utf-8"))
    for path in sorted((HERE / GENERATED / "dashboards").glob("*.json"))
]
PANELS = [
    pytest.param(dashboard, panel, id=f"{dashboard['uid']}-{panel['id']}-{panel['title']}")
    for dashboard in DASHBOARDS
    for panel in panels(dashboard)
]
#: How far back a dashboard looks at first.
RANGE_SECONDS = 900


def series(prometheus: Prometheus, question: Question) -> int:
    """How many series come back that have something to show."""
    if question.instant:
        return prometheus.instant(question.expression)
    return prometheus.over_time(question.expression, RANGE_SECONDS, SCRAPE_SECONDS)


@pytest.mark.parametrize(("dashboard", "panel"), PANELS)
def test_no_panel_is_without_data(
    dashboard: Dashboard,
    panel: Panel,
    prometheus: Prometheus,
    record_property: Callable[[str, object], None],
) -> None:
    empty = []
    for chosen in choices(dashboard, prometheus.label_values):
        for question in questions(dashboard, panel, chosen):
            count = series(prometheus, question)
            alone = [values[0] for values in chosen.values() if len(values) == 1][1:]
            place = " · ".join((dashboard["title"], *alone, question.title))
            record_property(PANEL_SERIES, f"{count:4d}  {place}")
            if not count:
                empty.append(f"{place}: {question.expression}")
    assert empty == []


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda each: str(each["uid"]))
def test_prometheus_understands_what_marks_events(
    dashboard: Dashboard, prometheus: Prometheus
) -> None:
    for annotation in dashboard["annotations"]["list"]:
        prometheus.get("query", query=annotation["target"]["expr"])


@pytest.mark.parametrize("number", range(10))
def test_a_question_of_the_page_has_an_answer(number: int, prometheus: Prometheus) -> None:
    question = QUESTIONS[number]
    assert prometheus.instant(question.expression) > 0


def test_a_query_that_prometheus_does_not_understand_fails(prometheus: Prometheus) -> None:
    with pytest.raises(urllib.error.HTTPError):
        series(prometheus, Question("broken", f"sum by ({P50}", instant=False))


def test_a_metric_that_services_call_otherwise_leaves_its_panel_empty(
    prometheus: Prometheus,
) -> None:
    (overview,) = (each for each in DASHBOARDS if each["uid"] == "technique")
    name = telemetry.REQUEST_DURATION.name
    chosen = next(choices(overview, prometheus.label_values))
    asked = [
        question
        for panel in panels(overview)
        for question in questions(overview, panel, chosen)
        if f"{name}_bucket" in question.expression
    ]
    assert asked
    for question in asked:
        renamed = question.expression.replace(name, "http_server_request_time_seconds")
        assert series(prometheus, question) > 0
        assert series(prometheus, Question(question.title, renamed, question.instant)) == 0


def test_a_slow_request_is_found_by_its_exemplar(prometheus: Prometheus) -> None:
    bucket = f'{telemetry.REQUEST_DURATION.name}_bucket{{technique="connection-pooling"}}'
    found = prometheus.get("query_exemplars", query=bucket, start="0", end="9999999999")
    slow = [exemplar["labels"]["request_id"] for each in found for exemplar in each["exemplars"]]
    log = (STATE / "logs" / "connection-pooling.log").read_text("utf-8")
    assert slow
    assert all(f"request {request_id}" in log for request_id in slow)
