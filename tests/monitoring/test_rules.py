"""The rules, tested with promtool: syntax, and when alerts fire and do not fire."""

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from monitoring.alerts import alerts
from services.catalog import TECHNIQUES
from tests.monitoring.conftest import needs
from tests.monitoring.prometheus_server import RULES

CASES = Path(__file__).parent / "rules"


def promtool(*arguments: str) -> subprocess.CompletedProcess[str]:
    program = needs("promtool", "prometheus")
    return subprocess.run(
        [program, *arguments], capture_output=True, text=True, timeout=60, check=False
    )


def test_the_rules_parse() -> None:
    checked = promtool("check", "rules", f"{RULES}/recording.yaml", f"{RULES}/alerts.yaml")
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_configuration_is_valid() -> None:
    checked = promtool("check", "config", f"{RULES}/prometheus.yaml")
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize("case", sorted(CASES.glob("*.yaml")), ids=lambda path: path.stem)
def test_rules_give_the_expected_alerts(case: Path, tmp_path: Path) -> None:
    document = yaml.safe_load(case.read_text("utf-8"))
    document["rule_files"] = [str(CASES / path) for path in document["rule_files"]]
    for test in document["tests"]:
        add_other_services(test["input_series"])
    completed = tmp_path / case.name
    completed.write_text(yaml.safe_dump(document), "utf-8")
    tested = promtool("test", "rules", str(completed))
    assert tested.returncode == 0, tested.stdout + tested.stderr


def add_other_services(series: list[dict[str, str]]) -> None:
    """If a case is about `up`, the services that the case does not name are up."""
    text = " ".join(each["series"] for each in series)
    if "up{service=" in text:
        names = [each.name for each in TECHNIQUES if f'up{{service="{each.name}"' not in text]
        series += [{"series": f'up{{service="{name}"}}', "values": "1x1000"} for name in names]


@pytest.mark.parametrize("alert", [each.name for each in alerts()])
def test_each_alert_has_a_case_that_fires_and_one_that_does_not(alert: str) -> None:
    expected = [
        bool(each["exp_alerts"])
        for case in CASES.glob("*.yaml")
        for test in yaml.safe_load(case.read_text("utf-8"))["tests"]
        for each in test.get("alert_rule_test", ())
        if each["alertname"] == alert
    ]
    assert set(expected) == {True, False}


def test_a_case_with_a_wrong_expectation_fails(tmp_path: Path) -> None:
    shutil.copytree(RULES, tmp_path / "rules")
    text = (CASES / "target_down.yaml").read_text("utf-8")
    text = text.replace("../../../monitoring/generated/prometheus", "rules")
    (tmp_path / "wrong.yaml").write_text(text.replace("exp_alerts: []", "exp_alerts: [{}]"))
    assert promtool("test", "rules", str(tmp_path / "wrong.yaml")).returncode == 1
