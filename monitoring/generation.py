"""The generated files: written by `make generate`, compared by `make check`."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from monitoring.alerts import alerts
from monitoring.dashboards import DASHBOARDS
from monitoring.recording import groups
from monitoring.scraping import by_name, configuration

GENERATED = Path(__file__).parent / "generated"
_HEADER = "# Written by `make generate` from monitoring/*.py, the catalog and the metrics.\n"
_LINE = 100
#: What the SDK writes unasked: on a variable what only an interval has; on a table what Grafana 13
#: has no more; on links and annotations a place in a menu, away from the dashboard's head.
_UNASKED = {"auto", "auto_min", "auto_count", "footer"}
_IN_A_MENU = "inControlsMenu"


def files() -> Iterator[tuple[Path, str]]:
    """Each generated file by its path below GENERATED, always the same bytes."""
    prometheus = Path("prometheus")
    yield prometheus / "prometheus.yaml", _yaml(configuration(by_name()))
    yield prometheus / "recording.yaml", _yaml({"groups": list(_recording_groups())})
    yield prometheus / "alerts.yaml", _yaml({"groups": [_alert_group()]})
    for build in DASHBOARDS:
        dashboard = build()
        yield Path("dashboards") / f"{dashboard.uid}.json", _json(dashboard)


def write() -> None:
    """Write them all, and remove what is no longer one of them."""
    wanted = dict(files())
    for path in _present() - wanted.keys():
        (GENERATED / path).unlink()
    for path, text in wanted.items():
        (GENERATED / path).parent.mkdir(parents=True, exist_ok=True)
        (GENERATED / path).write_text(text, "utf-8")


def drift() -> list[Path]:
    """The files that are not what `write` would leave: changed, missing or too many."""
    wanted = dict(files())
    changed = {path for path in wanted.keys() & _present() if _text(path) != wanted[path]}
    return sorted(changed | (wanted.keys() ^ _present()))


def _present() -> set[Path]:
    return {path.relative_to(GENERATED) for path in GENERATED.rglob("*") if path.is_file()}


def _text(path: Path) -> str:
    return (GENERATED / path).read_text("utf-8")


def _yaml(document: dict[str, Any]) -> str:
    text: str = yaml.safe_dump(document, sort_keys=False, width=_LINE, allow_unicode=True)
    return _HEADER + text


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
