"""Outcomes as a table for a person and as a summary for a program."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
from rich.box import SIMPLE
from rich.table import Table

from loadgen.estimate import Verdict
from loadgen.experiment import VARIANTS, Outcome, Settings
from loadgen.machine import fingerprint

SUMMARY_NAME = "summary.json"


def summary(outcomes: Sequence[Outcome], settings: Settings) -> dict[str, object]:
    return {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": fingerprint(),
        "settings": asdict(settings),
        "techniques": {outcome.technique.name: _entry(outcome) for outcome in outcomes},
    }


def _entry(outcome: Outcome) -> dict[str, object]:
    entry: dict[str, object] = {
        "workload": outcome.technique.workload.description,
        **{variant: asdict(figures) for variant, figures in outcome.figures.items()},
        "speedup": asdict(outcome.speedup) if outcome.speedup else None,
        "verdict": outcome.verdict,
        "answers_equal": outcome.difference is None,
    }
    return entry | ({"reason": outcome.reason} if outcome.reason else {})


def write_summary(document: dict[str, object], folder: Path) -> Path:
    """Raises OSError; never leaves half a file behind."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / SUMMARY_NAME
    part = path.with_suffix(".part")
    part.write_bytes(orjson.dumps(document, option=orjson.OPT_INDENT_2) + b"\n")
    return part.replace(path)


def table(outcomes: Sequence[Outcome]) -> Table:
    """One row a technique, narrow enough for a terminal of 80 columns."""
    result = Table(box=SIMPLE, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    result.add_column("technique", no_wrap=True)
    for quantity in ("p50 ms", "p99 ms", "requests/s"):
        result.add_column(quantity, justify="right", no_wrap=True)
    result.add_column("speed-up (95 %)", justify="right", no_wrap=True)
    result.add_column("verdict", overflow="fold")
    for outcome in outcomes:
        result.add_row(*_row(outcome), style=_STYLES[outcome.verdict])
    return result


_STYLES = {
    Verdict.FASTER: "green",
    Verdict.SLOWER: "yellow",
    Verdict.NO_DIFFERENCE_SHOWN: "",
    Verdict.INVALID: "red",
}


def _row(outcome: Outcome) -> list[str]:
    if not outcome.figures or outcome.speedup is None:
        return [outcome.technique.name, "", "", "", "", outcome.verdict]
    entry = _entry(outcome)
    return [
        outcome.technique.name,
        *pairs(entry, "→"),
        speedup_text(asdict(outcome.speedup)),
        outcome.verdict,
    ]


def pairs(entry: Mapping[str, Any], arrow: str) -> list[str]:
    """Median, 99th percentile and requests/s of a summary's entry, naive before optimized."""
    return [
        arrow.join(number(entry[variant][key]) for variant in VARIANTS)
        for key in ("p50_ms", "p99_ms", "requests_per_second")
    ]


def speedup_text(speedup: Mapping[str, float]) -> str:
    estimate, low, high = (number(speedup[key]) for key in ("estimate", "low", "high"))
    return f"{estimate}× ({low}–{high})"


def number(value: float) -> str:
    """Three significant digits, or all that stand before the point."""
    if value >= 99.95:
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 9.995 else f"{value:.2f}"
