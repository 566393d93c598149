"""The judgement as CSV: a line for each experiment and arm, with all digits of each number."""

import csv
import io
from collections.abc import Mapping
from typing import Any

from loadgen.judgement import (
    CONTROL,
    QUANTITIES,
    ExperimentJudgement,
    Judgement,
)
from loadgen.report.notation import printable

_FIGURES = (
    "p50_ms",
    "p95_ms",
    "p99_ms",
    "mean_ms",
    "requests_per_second",
    "requests",
    "errors",
    "bytes_per_response",
)
_RATIOS = tuple(f"speedup_{name}{end}" for name in QUANTITIES for end in ("", "_low", "_high"))
_FIRST = ("experiment", "arm", "role", "verdict", *_FIGURES, *_RATIOS)
_RECEIPT, _LAST = "receipt: ", "reason"

Line = Mapping[str, Any]


def csv_report(judgement: Judgement) -> str:
    """RFC 4180. An experiment without arms has one line with the reason."""
    lines = [line for name, each in judgement.experiments.items() for line in _lines(name, each)]
    receipts = [column for line in lines for column in line if column.startswith(_RECEIPT)]
    text = io.StringIO()
    writer = csv.DictWriter(text, [*_FIRST, *dict.fromkeys(receipts), _LAST], restval="")
    writer.writeheader()
    writer.writerows({name: _safe(value) for name, value in line.items()} for line in lines)
    return text.getvalue()


def _lines(name: str, experiment: ExperimentJudgement) -> list[Line]:
    head = {"experiment": name, "reason": experiment.reason or experiment.difference or ""}
    if not experiment.arms:
        return [head | {"verdict": experiment.verdict}]
    return [head | _arm(experiment, arm) for arm in experiment.arms_in_order]


def _arm(experiment: ExperimentJudgement, arm: str) -> dict[str, Any]:
    figures = experiment.arms[arm]
    role = _role(experiment, arm)
    return {
        "arm": arm,
        "role": role,
        "verdict": experiment.verdict_of(arm) if role == "candidate" else "",
        **{name: getattr(figures, name) for name in _FIGURES},
        **_ratios(experiment, arm),
        **{f"{_RECEIPT}{name}": value for name, value in figures.receipts.items()},
    }


def _role(experiment: ExperimentJudgement, arm: str) -> str:
    if arm == experiment.baseline:
        return "baseline"
    return "control" if arm == CONTROL else "candidate"


def _ratios(experiment: ExperimentJudgement, arm: str) -> dict[str, float]:
    """The ratios of a candidate or of the control; empty for the baseline."""
    ratios = experiment.noise_floor if arm == CONTROL else experiment.comparisons.get(arm)
    if not ratios:
        return {}
    values: dict[str, float] = {}
    for name in QUANTITIES:
        ratio = ratios.of(name)
        values |= {
            f"speedup_{name}": ratio.estimate,
            f"speedup_{name}_low": ratio.low,
            f"speedup_{name}_high": ratio.high,
        }
    return values


def _safe(value: object) -> object:
    """The value; a text that begins like a formula gets a quote, so that no program runs it."""
    if not isinstance(value, str):
        return value
    text = printable(value)
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text
