"""Outcomes as a table for a person and as a summary for a program."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import orjson
from rich.table import Table

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
    result = Table(title="naive against optimized", title_style="bold", pad_edge=False)
    result.add_column("technique", no_wrap=True)
    for quantity in ("p50 ms", "p99 ms", "requests/s"):
        for variant in VARIANTS:
            result.add_column(f"{quantity}\n{variant}", justify="right", no_wrap=True)
    result.add_column("speed-up\n(95 % interval)", justify="right", no_wrap=True)
    result.add_column("verdict", no_wrap=True)
    for outcome in outcomes:
        result.add_row(*_row(outcome))
    return result


def _row(outcome: Outcome) -> list[str]:
    if not outcome.figures or outcome.speedup is None:
        return [outcome.technique.name, *[""] * 7, outcome.verdict]
    arms = [outcome.figures[variant] for variant in VARIANTS]
    return [
        outcome.technique.name,
        *(number(arm.p50_ms) for arm in arms),
        *(number(arm.p99_ms) for arm in arms),
        *(number(arm.requests_per_second) for arm in arms),
        speedup_text(asdict(outcome.speedup)),
        outcome.verdict,
    ]


def number(value: float) -> str:
    """Three significant digits, or all before the point, thousands grouped."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def speedup_text(speedup: dict[str, float]) -> str:
    return f"{speedup['estimate']:.2f}× ({speedup['low']:.2f}–{speedup['high']:.2f})"
