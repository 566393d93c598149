"""The generated files are up to date, and their queries, names and texts are consistent."""

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
from monitoring.alerts import alerts
from monitoring.generated_files import GENERATED, HERE, files, stale_files, write_files
from monitoring.mechanisms import mechanisms
from monitoring.questions import QUESTIONS
from monitoring.recording_rules import groups
from services.catalog import TECHNIQUES
from services.telemetry import METRICS, Metric
from tests.conftest import ROOT
from tests.monitoring.grafana_queries import Dashboard, Panel, panels, rate_interval

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

EACH_DASHBOARD = pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda each: str(each["uid"]))
EACH_PANEL = pytest.mark.parametrize("panel", PANELS)


def test_the_generated_files_are_up_to_date() -> None:
    assert stale_files() == [], "run `make generate`"


def test_generating_twice_gives_the_same_bytes() -> None:
    assert dict(files()) == dict(files())


def test_changed_missing_and_superfluous_files_are_stale(tmp_path: Path) -> None:
    write_files(tmp_path)
    assert stale_files(tmp_path) == []
    (tmp_path / "QUESTIONS.md").write_text("")
    (tmp_path / "generated" / "dashboards" / "old.json").write_text("{}")
    (tmp_path / "generated" / "prometheus" / "alerts.yaml").unlink()
    stale = ["QUESTIONS.md", "generated/dashboards/old.json", "generated/prometheus/alerts.yaml"]
    assert [str(path) for path in stale_files(tmp_path)] == stale
    write_files(tmp_path)
    assert stale_files(tmp_path) == []


def test_renaming_a_metric_makes_the_generated_files_stale() -> None:
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


#: Series of the client library and of Prometheus itself.
EXTERNAL = {
    "up",
    "ALERTS",
    "process_cpu_seconds_total",
    "process_open_fds",
    "process_resident_memory_bytes",
    "process_start_time_seconds",
    "python_gc_collections_total",
}
KEYWORDS = {"by", "or", "and", "on", "bool", "group_left", "group_right", "unless", "Inf"}


def exposed(metric: Metric) -> set[str]:
    match metric.kind:
        case "histogram":
            return {f"{metric.name}_{ending}" for ending in ("bucket", "sum", "count")}
        case "summary":
            return {f"{metric.name}_{ending}" for ending in ("sum", "count")}
    return {metric.name}


def names_in(expression: str) -> set[str]:
    """The names of the series in an expression."""
    for noise in (r'"[^"]*"', r"\{[^}]*\}", r"\[[^\]]*\]"):
        expression = re.sub(noise, "", expression)
    expression = re.sub(r"\b(by|on|ignoring|group_left|group_right) \([^)]*\)", "", expression)
    return set(re.findall(r"[a-zA-Z_:][\w:]*\b(?!\s*\()", expression)) - KEYWORDS


def expressions() -> Iterator[str]:
    for dashboard in DASHBOARDS:
        yield from (target["expr"] for each in panels(dashboard) for target in each["targets"])
        yield from (each["target"]["expr"] for each in dashboard["annotations"]["list"])
    for recordings in groups().values():
        yield from (each.expression for each in recordings)
    yield from (alert.expression for alert in alerts())
    yield from (question.expression for question in QUESTIONS)


def test_every_queried_series_exists() -> None:
    recorded = {each.name for recordings in groups().values() for each in recordings}
    known = EXTERNAL | recorded | {name for metric in METRICS for name in exposed(metric)}
    queried = set[str]().union(*map(names_in, expressions()))
    assert queried - known == set()


def test_every_metric_is_queried_somewhere() -> None:
    queried = set[str]().union(*map(names_in, expressions()))
    assert [metric.name for metric in METRICS if not exposed(metric) & queried] == []


def test_series_names_are_found_in_an_expression() -> None:
    expression = 'max by (a) (rate(b_total{c="d"}[1m])) / on (e) group_left () f:g:h > 0.1 or up'
    assert names_in(expression) == {"b_total", "f:g:h", "up"}


def test_names_of_recording_rules_are_level_metric_and_operations() -> None:
    for recordings in groups().values():
        for each in recordings:
            assert re.fullmatch(r"[a-z_]+:[a-z_]+:[a-z0-9_]+", each.name)


def test_mechanisms_have_distinct_labels() -> None:
    labels = [tuple(each.labels.items()) for each in mechanisms()]
    assert len(set(labels)) == len(labels)


def test_there_are_five_dashboards() -> None:
    uids = {dashboard["uid"] for dashboard in DASHBOARDS}
    assert uids == {"overview", "technique", "gateway", "load-generator", "runtime"}


@EACH_DASHBOARD
def test_every_dashboard_has_the_common_crosshair_links_and_events(dashboard: Dashboard) -> None:
    assert dashboard["graphTooltip"] == 1
    assert dashboard["refresh"] == "5s"
    assert {"title", "description", "uid", "tags"} <= dashboard.keys()
    assert any(link["type"] == "dashboards" for link in dashboard["links"])
    events = {each["name"] for each in dashboard["annotations"]["list"]}
    assert {"Unreachable", "Restarts", "Alerts"} <= events


@EACH_DASHBOARD
def test_links_lead_to_existing_dashboards(dashboard: Dashboard) -> None:
    uids = {each["uid"] for each in DASHBOARDS}
    linked = set(re.findall(r'"/d/([\w-]+)', json.dumps(dashboard)))
    assert linked <= uids


@EACH_DASHBOARD
def test_a_dashboard_uses_only_the_data_source_of_the_lab(dashboard: Dashboard) -> None:
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


@EACH_DASHBOARD
def test_panels_are_numbered_and_do_not_overlap(dashboard: Dashboard) -> None:
    numbers = [panel["id"] for panel in dashboard["panels"]]
    assert len(set(numbers)) == len(numbers)
    occupied: set[tuple[int, int]] = set()
    for panel in dashboard["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        columns = range(place["x"], place["x"] + place["w"])
        rows = range(place["y"], place["y"] + place["h"])
        cells = {(x, y) for x in columns for y in rows}
        assert not cells & occupied, panel["title"]
        occupied |= cells


@EACH_PANEL
def test_a_panel_has_a_title_a_description_and_a_unit(panel: Panel) -> None:
    assert panel["title"]
    assert panel["description"].endswith(".")
    assert panel["fieldConfig"]["defaults"]["unit"]
    assert panel["datasource"] == DATA_SOURCE


@EACH_PANEL
def test_the_queries_of_a_panel_have_letters_and_legends(panel: Panel) -> None:
    assert [target["refId"] for target in panel["targets"]] == list(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[: len(panel["targets"])]
    )
    for target in panel["targets"]:
        assert target["datasource"] == DATA_SOURCE
        assert target.get("instant") or target["legendFormat"]


@EACH_PANEL
def test_the_windows_of_a_panel_depend_on_the_time_range(panel: Panel) -> None:
    windows = re.findall(r"\[(.*?)\]", " ".join(target["expr"] for target in panel["targets"]))
    assert set(windows) <= {"$__rate_interval"}


def test_a_round_of_continuous_load_fits_into_the_shortest_window_of_a_panel() -> None:
    variants = sum(len(technique.variants) for technique in TECHNIQUES)
    assert variants * ContinuousLoad().slot_seconds < rate_interval(0)


def test_there_are_ten_questions_and_each_has_an_answer() -> None:
    stored = json.loads((HERE / "answers.json").read_text("utf-8"))["answers"]
    assert [question.title for question in QUESTIONS] == list(stored)
    assert len(stored) == 10
    assert all(stored.values())


def test_every_alert_has_a_summary_and_a_section_in_the_runbook() -> None:
    for alert in alerts():
        document, _, heading = alert.runbook.partition("#")
        headings = re.findall(r"^## (.+)$", (ROOT / document).read_text("utf-8"), re.MULTILINE)
        assert heading in {each.lower() for each in headings}
        assert alert.summary


def test_prometheus_reads_every_generated_rule_file() -> None:
    folder = HERE / GENERATED / "prometheus"
    configuration = yaml.safe_load((folder / "prometheus.yaml").read_text("utf-8"))
    generated = {path.name for path in folder.iterdir()}
    assert set(configuration["rule_files"]) == generated - {"prometheus.yaml"}
