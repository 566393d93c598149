"""What `loadgen compare` prints: a line for each arm, then the notes."""

from loadgen.judging.change import ArmChange, RunChanges
from loadgen.report.figures import number, ratio_with_interval


def change_lines(changes: RunChanges) -> list[str]:
    return [*map(_line, changes.changes), *(f"note: {note}" for note in changes.notes)]


def _line(change: ArmChange) -> str:
    before, after = change.old.p50_ms, change.new.p50_ms
    parts = [
        f"p50 {number(before)} → {number(after)} ms, {ratio_with_interval(change.ratios.p50)}",
        f"p99 {ratio_with_interval(change.ratios.p99)}",
        f"requests/s {ratio_with_interval(change.ratios.throughput)}",
    ]
    if change.speedup is not None:
        parts.append(f"speed-up {ratio_with_interval(change.speedup)}")
    return f"{change.experiment} {change.arm}: {change.change}: {'; '.join(parts)}"
