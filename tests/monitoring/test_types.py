"""Each dashboard matches the types that Grafana publishes, and these types detect mistakes."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.conftest import ROOT

TYPES = ROOT / "monitoring" / "types"
INSTALL = ("install", "--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund")
NODE, NPM = shutil.which("node"), shutil.which("npm")

Dashboard = dict[str, Any]
#: The compiler's errors by dashboard or mistake, each with its line in the JSON.
Errors = dict[str, list[str]]

DASHBOARDS: dict[str, Dashboard] = {
    path.stem: json.loads(path.read_text("utf-8"))
    for path in sorted((ROOT / "monitoring" / "generated" / "dashboards").glob("*.json"))
}

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.skipif(
        not (NODE and NPM),
        reason="Node.js or npm is not installed; on Debian: apt install nodejs npm",
    ),
]


class Mistake(NamedTuple):
    """A wrong value at a path in a dashboard."""

    path: str
    value: object
    #: A part of the expected error.
    named: str
    #: The path starts at the first panel of this type, with None at the dashboard.
    panel: str | None = "timeseries"


def overrides(identifier: str, value: object) -> list[dict[str, Any]]:
    matcher = {"id": "byName", "options": "naive"}
    return [{"matcher": matcher, "properties": [{"id": identifier, "value": value}]}]


MISTAKES = {
    "cursor-synchronization": Mistake("graphTooltip", 3, "'3'", panel=None),
    "text-for-a-cursor": Mistake("graphTooltip", "crosshair", "'string'", panel=None),
    "misspelt-dashboard-property": Mistake("refesh", "5s", "'\"refesh\"'", panel=None),
    "text-for-a-schema-version": Mistake("schemaVersion", "42", "'string'", panel=None),
    "unknown-panel-type": Mistake("panels", [{"type": "graph"}], "'\"graph\"'", panel=None),
    "misspelt-variable-property": Mistake(
        "templating.list", [{"type": "custom", "name": "x", "mutli": True}], "mutli", panel=None
    ),
    "unknown-variable-type": Mistake(
        "templating.list", [{"type": "choice", "name": "x"}], '"choice"', panel=None
    ),
    "query-beside-the-target-of-an-annotation": Mistake(
        "annotations.list",
        [{"name": "x", "enable": True, "iconColor": "red", "expr": "up"}],
        "'\"expr\"'",
        panel=None,
    ),
    "misspelt-row-property": Mistake("repet", "technique", "'\"repet\"'", panel="row"),
    "misspelt-link-property": Mistake(
        "fieldConfig.defaults.links", [{"title": "x", "url": "/", "targetBlanc": True}], "Blanc"
    ),
    "misspelt-standard-field": Mistake("fieldConfig.defaults.decimal", 2, "'\"decimal\"'"),
    "misspelt-custom-field": Mistake("fieldConfig.defaults.custom.lineWitdh", 2, "lineWitdh"),
    "text-for-decimals": Mistake("fieldConfig.defaults.decimals", "2", "'string'"),
    "text-for-a-line-width": Mistake("fieldConfig.defaults.custom.lineWidth", "2", "'string'"),
    "thresholds-mode": Mistake(
        "fieldConfig.defaults.thresholds", {"mode": "absolut", "steps": []}, '"absolut"'
    ),
    "colour-mode": Mistake("fieldConfig.defaults.color", {"mode": "palette"}, '"palette"'),
    "unknown-override": Mistake(
        "fieldConfig.overrides", overrides("custom.colour", "red"), '"custom.colour"'
    ),
    "override-of-the-wrong-kind": Mistake(
        "fieldConfig.overrides", overrides("custom.lineWidth", "2"), "'string'"
    ),
    "tooltip-mode": Mistake("options.tooltip", {"mode": "all", "sort": "none"}, '"all"'),
    "legend-placement": Mistake("options.legend.placement", "top", '"top"'),
    "text-for-a-width": Mistake("gridPos.w", "12", "'string'"),
    "misspelt-query-property": Mistake(
        "targets", [{"refId": "A", "expr": "up", "legendFromat": ""}], "legendFromat"
    ),
    "query-format": Mistake("targets", [{"refId": "A", "expr": "up", "format": "rows"}], '"rows"'),
}


def panels(dashboard: Dashboard) -> Iterator[dict[str, Any]]:
    """All panels, including panels inside rows."""
    for panel in dashboard["panels"]:
        yield panel
        yield from panel.get("panels", [])


def panel_types() -> set[str]:
    return {panel["type"] for each in DASHBOARDS.values() for panel in panels(each)} - {"row"}


MISTAKES |= {
    f"unknown-option-of-{kind}": Mistake("options.mistake", 1, "'\"mistake\"'", panel=kind)
    for kind in sorted(panel_types())
}


def place_of(mistake: Mistake) -> tuple[Dashboard, dict[str, Any]]:
    """A copy of the first dashboard with a matching panel, and the start of the path in it."""
    for dashboard in map(deepcopy, DASHBOARDS.values()):
        if mistake.panel is None:
            return dashboard, dashboard
        for panel in panels(dashboard):
            if panel["type"] == mistake.panel:
                return dashboard, panel
    pytest.fail(f"no dashboard has a panel for {mistake}: run `make generate`")


def planted(mistake: Mistake) -> Dashboard:
    dashboard, place = place_of(mistake)
    *parents, last = mistake.path.split(".")
    for step in parents:
        place = place.setdefault(step, {})
    place[last] = mistake.value
    return dashboard


def run(*command: str | Path | None, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(part) for part in command], cwd=folder, capture_output=True, text=True, check=False
    )


def install() -> None:
    """Install the packages of package.json unless they are installed."""
    wanted = (TYPES / "package.json").read_text("utf-8")
    installed = TYPES / "node_modules" / "installed.json"
    if installed.exists() and installed.read_text("utf-8") == wanted:
        return
    npm = run(NPM, *INSTALL, folder=TYPES)
    assert npm.returncode == 0, npm.stderr
    installed.write_text(wanted, "utf-8")


def write_source(folder: Path, name: str, dashboard: Dashboard) -> None:
    # A TypeScript literal: in an imported JSON file, "line" would have type string and unknown
    # properties would pass. The literal has the lines of the generated file, so that line numbers
    # in errors agree.
    module = json.dumps((TYPES / "dashboard").as_posix())
    declaration = f"export const dashboard: import({module}).JsonDashboard"
    text = json.dumps(dashboard, indent=2, sort_keys=True)
    (folder / f"{name}.ts").write_text(f"{declaration} = {text};\n", "utf-8")


def compile_all(folder: Path) -> str:
    settings = {"extends": str(TYPES / "tsconfig.json"), "files": [], "include": ["*.ts"]}
    (folder / "tsconfig.json").write_text(json.dumps(settings), "utf-8")
    compiler = TYPES / "node_modules" / "typescript" / "bin" / "tsc"
    return run(NODE, compiler, "--pretty", "false", "-p", ".", folder=folder).stdout


def by_source(output: str) -> Errors:
    """Parse the compiler's errors. The first line of an error is not indented, the others are."""
    errors: Errors = {}
    for error in re.split(r"\n(?=\S)", output.strip()):
        if not error:
            continue
        found = re.fullmatch(r"([\w-]+)\.ts\((\d+),\d+\): (.*)", error, re.DOTALL)
        assert found, error  # otherwise the types themselves do not compile
        source, line, message = found.groups()
        errors.setdefault(source, []).append(f"line {line}: {message}")
    return errors


@pytest.fixture(scope="module")
def errors(tmp_path_factory: pytest.TempPathFactory) -> Errors:
    """The errors of all dashboards and mistakes, from one run of the compiler."""
    install()
    folder = tmp_path_factory.mktemp("dashboards")
    sources = DASHBOARDS | {name: planted(mistake) for name, mistake in MISTAKES.items()}
    for name, dashboard in sources.items():
        write_source(folder, name, dashboard)
    return by_source(compile_all(folder))


@pytest.mark.parametrize("name", DASHBOARDS)
def test_a_dashboard_matches_the_types_of_grafana(name: str, errors: Errors) -> None:
    assert errors.get(name, []) == []


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_refused(name: str, errors: Errors) -> None:
    # Errors of the dashboard itself would also appear here; the test above reports them.
    assert any(MISTAKES[name].named in error for error in errors.get(name, []))
