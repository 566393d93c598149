"""What is generated is what the code would generate, and fit to be read."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from loadgen.driving.continuous_load import ContinuousLoad
from monitoring import generation
from monitoring.alerts import alerts
from monitoring.generation import GENERATED, HERE, drift, files
from monitoring.mechanisms import mechanisms
from monitoring.questions import QUESTIONS
from monitoring.recording import groups
from services.catalog import TECHNIQUES
from services.telemetry import METRICS, Metric
from tests.conftest import ROOT
from tests.monitoring.grafana import Dashboard, Panel, panels, rate_interval

DASHBOARDS: list[Dashboard] = [
    json.loads(path.read_text("utf-8"))
    for path in sorted((HERE / GENERATED / "dashboards").glob("*.json"))
]
PANELS = [
    pytest.param(panel, id=f"{dashboard['uid']}-{panel['id']}-{panel['title']}")
    for dashboard in DASHBOARDS
    for panel in panels(dashboard)
]
DATA_SOURCE = {"type": "prometheus", "uid": "prometheus"}

of_each_dashboard = pytest.mark.parametrize(
    "dashboard", DASHBOARDS, ids=lambda each: str(each["uid"])
)
of_each_panel = pytest.mark.parametrize("panel", PANELS)


# Drift


def test_the_files_are_what_the_code_generates() -> None:
    assert drift() == [], "run `make generate`"


def test_generating_twice_gives_the_same_bytes() -> None:
    assert dict(files()) == dict(files())


def test_a_changed_a_missing_and_a_superfluous_file_are_drift(tmp_path: Path) -> None:
    generation.write(tmp_path)
    assert drift(tmp_path) == []
    (tmp_path / "QUESTIONS.md").write_text("")
    (tmp_path / "generated" / "dashboards" / "old.json").write_text("{}")
    (tmp_path / "generated" / "prometheus" / "alerts.yaml").unlink()
    stale = ["QUESTIONS.md", "generated/dashboards/old.json", "generated/prometheus/alerts.yaml"]
    assert [str(path) for path in drift(tmp_path)] == stale
    generation.write(tmp_path)
    assert drift(tmp_path) == []


def test_a_metric_renamed_in_the_code_is_drift() -> None:
    script = (
        "import services.telemetry as telemetry;"
        "object.__setattr__(telemetry.CACHE_REQUESTS, 'name', 'cache_lookups_total');"
        "import sys; sys.argv = ['monitoring', 'check'];"
        "import runpy; runpy.run_module('monitoring', run_name='__main__')"
    )
    checked = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 1, checked.stderr
    stale = {line.split()[0] for line in checked.stdout.splitlines()}
    assert stale == {
        "monitoring/QUESTIONS.md",
        "monitoring/generated/dashboards/runtime.json",
        "monitoring/generated/prometheus/alerts.yaml",
        "monitoring/generated/prometheus/recording.yaml",
    }


# Names


#: Of the client library, of Prometheus itself.
GIVEN = {
    "up",
    "ALERTS",
    "process_cpu_seconds_total",
    "process_open_fds",
    "process_resident_memory_bytes",
    "process_start_time_seconds",
    "python_gc_collections_total",
}
WORDS = {"by", "or", "and", "on", "bool", "group_left", "group_right", "unless", "Inf"}


def exposed(metric: Metric) -> set[str]:
    match metric.kind:
        case "histogram":
            return {f"{metric.name}_{ending}" for ending in ("bucket", "sum", "count")}
        case "summary":
            return {f"{metric.name}_{ending}" for ending in ("sum", "count")}
    return {metric.name}


def names_in(expression: str) -> set[str]:
    """The series that an expression reads."""
    for noise in (r'"[^"]*"', r"\{[^}]*\}", r"\[[^\]]*\]"):
        expression = re.sub(noise, "", expression)
    expression = re.sub(r"\b(by|on|ignoring|group_left|group_right) \([^)]*\)", "", expression)
    return set(re.findall(r"[a-zA-Z_:][\w:]*\b(?!\s*\()", expression)) - WORDS


def expressions() -> Iterator[str]:
    for dashboard in DASHBOARDS:
        yield from (target["expr"] for each in panels(dashboard) for target in each["targets"])
        yield from (each["target"]["expr"] for each in dashboard["annotations"]["list"])
    for recordings in groups().values():
        yield from (each.expression for each in recordings)
    yield from (alert.expression for alert in alerts())
    yield from (question.expression for question in QUESTIONS)


def test_every_series_that_is_asked_for_exists() -> None:
    recorded = {each.name for recordings in groups().values() for each in recordings}
    known = GIVEN | recorded | {name for metric in METRICS for name in exposed(metric)}
    asked = set[str]().union(*map(names_in, expressions()))
    assert asked - known == set()


def test_every_metric_is_shown_somewhere() -> None:
    asked = set[str]().union(*map(names_in, expressions()))
    assert [metric.name for metric in METRICS if not exposed(metric) & asked] == []


def test_names_are_found_in_an_expression() -> None:
    expression = 'max by (a) (rate(b_total{c="d"}[1m])) / on (e) group_left () f:g:h > 0.1 or up'
    assert names_in(expression) == {"b_total", "f:g:h", "up"}


def test_recorded_names_are_level_metric_and_operations() -> None:
    for recordings in groups().values():
        for each in recordings:
            assert re.fullmatch(r"[a-z_]+:[a-z_]+:[a-z0-9_]+", each.name)


def test_mechanisms_are_told_apart() -> None:
    labels = [tuple(each.labels.items()) for each in mechanisms()]
    assert len(set(labels)) == len(labels)


# Dashboards


def test_there_are_five_dashboards() -> None:
    uids = {dashboard["uid"] for dashboard in DASHBOARDS}
    assert uids == {"overview", "technique", "gateway", "load-generator", "runtime"}


@of_each_dashboard
def test_a_dashboard_shares_its_crosshair_its_links_and_its_events(dashboard: Dashboard) -> None:
    assert dashboard["graphTooltip"] == 1
    assert dashboard["refresh"] == "5s"
    assert {"title", "description", "uid", "tags"} <= dashboard.keys()
    assert any(link["type"] == "dashboards" for link in dashboard["links"])
    events = {each["name"] for each in dashboard["annotations"]["list"]}
    assert {"Out of reach", "Restarts", "Alerts"} <= events


@of_each_dashboard
def test_links_between_dashboards_lead_to_one(dashboard: Dashboard) -> None:
    uids = {each["uid"] for each in DASHBOARDS}
    linked = set(re.findall(r'"/d/([\w-]+)', json.dumps(dashboard)))
    assert linked <= uids


@of_each_dashboard
def test_a_dashboard_names_one_data_source_and_no_job(dashboard: Dashboard) -> None:
    text = json.dumps(dashboard)
    assert "${DS_" not in text
    assert "job=" not in text
    assert all(source == DATA_SOURCE for source in data_sources(dashboard))


def data_sources(value: Any) -> Iterator[Any]:
    if isinstance(value, list):
        for each in value:
            yield from data_sources(each)
    elif isinstance(value, dict):
        for name, each in value.items():
            yield from [each] if name == "datasource" else data_sources(each)


@of_each_dashboard
def test_panels_are_numbered_and_do_not_overlap(dashboard: Dashboard) -> None:
    numbers = [panel["id"] for panel in dashboard["panels"]]
    assert len(set(numbers)) == len(numbers)
    taken: set[tuple[int, int]] = set()
    for panel in dashboard["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        columns = range(place["x"], place["x"] + place["w"])
        rows = range(place["y"], place["y"] + place["h"])
        cells = {(x, y) for x in columns for y in rows}
        assert not cells & taken, panel["title"]
        taken |= cells


@of_each_panel
def test_a_panel_says_what_it_shows(panel: Panel) -> None:
    assert panel["title"]
    assert panel["description"].endswith(".")
    assert panel["fieldConfig"]["defaults"]["unit"]
    assert panel["datasource"] == DATA_SOURCE


@of_each_panel
def test_a_panels_queries_are_lettered_and_named(panel: Panel) -> None:
    assert [target["refId"] for target in panel["targets"]] == list(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[: len(panel["targets"])]
    )
    for target in panel["targets"]:
        assert target["datasource"] == DATA_SOURCE
        assert target.get("instant") or target["legendFormat"]


@of_each_panel
def test_a_panels_own_windows_are_grafanas(panel: Panel) -> None:
    windows = re.findall(r"\[(.*?)\]", " ".join(target["expr"] for target in panel["targets"]))
    assert set(windows) <= {"$__rate_interval"}


def test_continuous_load_comes_round_within_the_shortest_window_of_a_panel() -> None:
    variants = sum(len(technique.variants) for technique in TECHNIQUES)
    assert variants * ContinuousLoad().slot_seconds < rate_interval(0)


# Questions


def test_there_are_ten_questions_and_each_has_an_answer() -> None:
    kept = json.loads((HERE / "answers.json").read_text("utf-8"))["answers"]
    assert [question.title for question in QUESTIONS] == list(kept)
    assert len(kept) == 10
    assert all(kept.values())


# Rules


def test_every_alert_says_what_is_wrong_and_leads_to_the_runbook() -> None:
    for alert in alerts():
        document, _, heading = alert.runbook.partition("#")
        headings = re.findall(r"^## (.+)$", (ROOT / document).read_text("utf-8"), re.MULTILINE)
        assert heading in {each.lower() for each in headings}
        assert alert.summary


def test_prometheus_reads_the_rules_that_are_there() -> None:
    folder = HERE / GENERATED / "prometheus"
    configuration = yaml.safe_load((folder / "prometheus.yaml").read_text("utf-8"))
    there = {path.name for path in folder.iterdir()}
    assert set(configuration["rule_files"]) == there - {"prometheus.yaml"}
