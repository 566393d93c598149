"""The generated files: `make generate` writes them, `make check` compares them."""

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
from monitoring.recording_rules import groups
from monitoring.scrape_targets import configuration, dns_targets

HERE = Path(__file__).parent
GENERATED = Path("generated")
QUESTIONS = Path("QUESTIONS.md")
_HEADER = "# Written by `make generate` from monitoring/*.py, the catalog and the metrics.\n"
_LINE_LENGTH = 100
#: Defaults of the SDK that do not fit. The first three belong only to interval variables, and
#: Grafana 13 no longer has a table footer.
_UNWANTED_NAMES = {"auto", "auto_min", "auto_count", "footer"}
#: This value would move links and annotations from the dashboard's head into a menu.
_UNWANTED_VALUE = "inControlsMenu"


def files() -> Iterator[tuple[Path, str]]:
    """Path (relative to this folder) and text of each file. Every call gives the same bytes."""
    prometheus = GENERATED / "prometheus"
    yield prometheus / "prometheus.yaml", _yaml(configuration(dns_targets()))
    yield prometheus / "recording.yaml", _yaml({"groups": list(_recording_groups())})
    yield prometheus / "alerts.yaml", _yaml({"groups": [_alert_group()]})
    for build in DASHBOARDS:
        dashboard = build()
        yield GENERATED / "dashboards" / f"{dashboard.uid}.json", _json(dashboard)
    yield QUESTIONS, page()


def write_files(folder: Path = HERE) -> None:
    """Write all files and delete generated files that are no longer needed."""
    wanted = dict(files())
    for path in _existing(folder) - wanted.keys():
        (folder / path).unlink()
    for path, text in wanted.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, "utf-8")


def stale_files(folder: Path = HERE) -> list[Path]:
    """The files that `write_files` would change, create or delete."""
    wanted, existing = dict(files()), _existing(folder)
    same = {
        path
        for path in wanted.keys() & existing
        if (folder / path).read_text("utf-8") == wanted[path]
    }
    return sorted((wanted.keys() | existing) - same)


def _existing(folder: Path) -> set[Path]:
    candidates = [*(folder / GENERATED).rglob("*"), folder / QUESTIONS]
    return {path.relative_to(folder) for path in candidates if path.is_file()}


def _json(dashboard: Dashboard) -> str:
    document = json.loads(JSONEncoder().encode(dashboard))
    return (
        json.dumps(_without_unwanted(document), indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    )


def _without_unwanted(value: Any) -> Any:
    match value:
        case list():
            return [_without_unwanted(each) for each in value]
        case dict():
            return {
                name: _without_unwanted(each)
                for name, each in value.items()
                if not (name in _UNWANTED_NAMES or each == _UNWANTED_VALUE)
            }
    return value


def _yaml(document: dict[str, Any]) -> str:
    text: str = yaml.safe_dump(document, sort_keys=False, width=_LINE_LENGTH, allow_unicode=True)
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
