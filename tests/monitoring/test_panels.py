"""Every query of every panel returns data in a lab under load."""

import json
import urllib.error
from collections.abc import Callable

import pytest

from monitoring.generated_files import GENERATED, HERE
from monitoring.questions import QUESTIONS
from monitoring.recording_rules import P50
from services import telemetry
from tests.monitoring.conftest import PANEL_SERIES, STATE
from tests.monitoring.grafana_queries import (
    SCRAPE_SECONDS,
    Dashboard,
    Panel,
    PanelQuery,
    choices,
    panel_queries,
    panels,
)
from tests.monitoring.prometheus_server import Prometheus

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
#: The time range of a dashboard when it is opened.
RANGE_SECONDS = 900


def series(prometheus: Prometheus, query: PanelQuery) -> int:
    """The number of returned series with a finite value."""
    if query.instant:
        return prometheus.instant(query.expression)
    return prometheus.over_time(query.expression, RANGE_SECONDS, SCRAPE_SECONDS)


@pytest.mark.parametrize(("dashboard", "panel"), PANELS)
def test_every_query_of_a_panel_returns_data(
    dashboard: Dashboard,
    panel: Panel,
    prometheus: Prometheus,
    record_property: Callable[[str, object], None],
) -> None:
    empty = []
    for chosen in choices(dashboard, prometheus.label_values):
        for query in panel_queries(dashboard, panel, chosen):
            count = series(prometheus, query)
            single = [values[0] for values in chosen.values() if len(values) == 1][1:]
            place = " · ".join((dashboard["title"], *single, query.title))
            record_property(PANEL_SERIES, f"{count:4d}  {place}")
            if not count:
                empty.append(f"{place}: {query.expression}")
    assert empty == []


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda each: str(each["uid"]))
def test_prometheus_accepts_the_queries_of_events(
    dashboard: Dashboard, prometheus: Prometheus
) -> None:
    for annotation in dashboard["annotations"]["list"]:
        prometheus.get("query", query=annotation["target"]["expr"])


@pytest.mark.parametrize("number", range(10))
def test_every_question_has_an_answer(number: int, prometheus: Prometheus) -> None:
    question = QUESTIONS[number]
    assert prometheus.instant(question.expression) > 0


def test_a_query_with_a_syntax_error_fails(prometheus: Prometheus) -> None:
    with pytest.raises(urllib.error.HTTPError):
        series(prometheus, PanelQuery("broken", f"sum by ({P50}", instant=False))


def test_a_renamed_metric_leaves_its_panel_empty(
    prometheus: Prometheus,
) -> None:
    (dashboard,) = (each for each in DASHBOARDS if each["uid"] == "technique")
    name = telemetry.REQUEST_DURATION.name
    chosen = next(choices(dashboard, prometheus.label_values))
    queries = [
        query
        for panel in panels(dashboard)
        for query in panel_queries(dashboard, panel, chosen)
        if f"{name}_bucket" in query.expression
    ]
    assert queries
    for query in queries:
        renamed = query.expression.replace(name, "http_server_request_time_seconds")
        assert series(prometheus, query) > 0
        assert series(prometheus, PanelQuery(query.title, renamed, query.instant)) == 0


def test_a_slow_request_is_found_by_its_exemplar(prometheus: Prometheus) -> None:
    bucket = f'{telemetry.REQUEST_DURATION.name}_bucket{{technique="connection-pooling"}}'
    found = prometheus.get("query_exemplars", query=bucket, start="0", end="9999999999")
    slow = [exemplar["labels"]["request_id"] for each in found for exemplar in each["exemplars"]]
    log = (STATE / "logs" / "connection-pooling.log").read_text("utf-8")
    assert slow
    assert all(f"request {request_id}" in log for request_id in slow)
