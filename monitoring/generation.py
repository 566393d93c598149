"""The generated files: written by `make generate`, compared by `make check`."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from monitoring.alerts import alerts
from monitoring.answers import page
from monitoring.dashboards import DASHBOARDS
from monitoring.recording import groups
from monitoring.scraping import by_name, configuration

HERE = Path(__file__).parent
GENERATED = Path("generated")
QUESTIONS = Path("QUESTIONS.md")
_HEADER = "# Written by `make generate` from monitoring/*.py, the catalog and the metrics.\n"
_LINE = 100
#: What the SDK writes unasked: on a variable what only an interval has; on a table what Grafana 13
#: has no more; on links and annotations a place in a menu, away from the dashboard's head.
_UNASKED = {"auto", "auto_min", "auto_count", "footer"}
_IN_A_MENU = "inControlsMenu"


def files() -> Iterator[tuple[Path, str]]:
    """Each generated file by its path in this folder, always the same bytes."""
    prometheus = GENERATED / "prometheus"
    yield prometheus / "prometheus.yaml", _yaml(configuration(by_name()))
    yield prometheus / "recording.yaml", _yaml({"groups": list(_recording_groups())})
    yield prometheus / "alerts.yaml", _yaml({"groups": [_alert_group()]})
    for build in DASHBOARDS:
        dashboard = build()
        yield GENERATED / "dashboards" / f"{dashboard.uid}.json", _json(dashboard)
    yield QUESTIONS, page()


def write(folder: Path = HERE) -> None:
    """Write them all, and remove what is no longer one of them."""
    wanted = dict(files())
    for path in _present(folder) - wanted.keys():
        (folder / path).unlink()
    for path, text in wanted.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, "utf-8")


def drift(folder: Path = HERE) -> list[Path]:
    """The files that are not what `write` would leave: changed, missing or too many."""
    wanted, present = dict(files()), _present(folder)
    same = {
        path
        for path in wanted.keys() & present
        if (folder / path).read_text("utf-8") == wanted[path]
    }
    return sorted((wanted.keys() | present) - same)


def _present(folder: Path) -> set[Path]:
    there = [*(folder / GENERATED).rglob("*"), folder / QUESTIONS]
    return {path.relative_to(folder) for path in there if path.is_file()}


def _json(dashboard: Dashboard) -> str:
    document = json.loads(JSONEncoder().encode(dashboard))
    return (
        json.dumps(_without_unasked(document), indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    )


def _without_unasked(value: Any) -> Any:
    match value:
        case list():
            return [_without_unasked(each) for each in value]
        case dict():
            return {
                name: _without_unasked(each)
                for name, each in value.items()
                if not (name in _UNASKED or each == _IN_A_MENU)
            }
    return value


def _yaml(document: dict[str, Any]) -> str:
    text: str = yaml.safe_dump(document, sort_keys=False, width=_LINE, allow_unicode=True)
    return _HEADER + text


def _recording_groups() -> Iterator[dict[str, Any]]:
    for name, recordings in groups().items():
        rules = [
            {"record": each.name, "expr": each.expression}
            | ({"labels": each.labels} if each.labels else {})
            for each in recordings
        ]
        yield {"name": name, "rules": rules}


def _alert_group() -> dict[str, Any]:
    rules = [
        {
            "alert": each.name,
            "expr": each.expression,
            "for": each.holds_for,
            "labels": {"severity": each.severity},
            "annotations": {"summary": each.summary, "runbook_url": each.runbook},
        }
        for each in alerts()
    ]
    return {"name": "alerts", "rules": rules}
