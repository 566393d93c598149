"""Records, experiments and bundles with invented figures, for tests."""

from collections.abc import Mapping, Sequence
from typing import Any

from loadgen.evidence.block_record import Record
from loadgen.evidence.bundle import Bundle, Experiment
from loadgen.judgement import CONTROL
from loadgen.sending.histogram import Histogram

ARMS = ("naive", "optimized", CONTROL)
MACHINE = {"processor": "Fast 9000", "cores": 4}
SETTINGS = {"iterations": 4, "concurrency": 2, "duration": 1.0, "seed": 7}


def histogram(values: Sequence[float]) -> Histogram:
    made = Histogram()
    for value in values:
        made.record(value)
    return made


def record(arm: str = "naive", pair: int = 0, median: float = 0.002, **changes: Any) -> Record:
    """A block of one second with 100 latencies, spread evenly around the median in seconds."""
    answered = changes.pop("answered", 100)
    errors = changes.pop("errors", 0)
    facts: dict[str, Any] = {
        "arm": arm,
        "pair": pair,
        "seconds": 1.0,
        "sent": answered + errors,
        "answered": answered,
        "errors": errors,
        "first_error": "status 503" if errors else "",
        "body_bytes": 10 * answered,
        "latencies": changes.pop("latencies", None) or _spread(median, answered),
        "lags": histogram([0.0001] * 20),
        "cpu_seconds": 0.2,
        "counters": {},
    }
    return Record(**{**facts, **changes})


def _spread(median: float, count: int) -> Histogram:
    """So many values, evenly from half the median to one and a half of it."""
    width = max(count - 1, 1)
    return histogram([median * (0.5 + each / width) for each in range(count)])


def records(
    ratios: Sequence[float], changes: Mapping[tuple[str, int], Mapping[str, Any]] | None = None
) -> tuple[Record, ...]:
    """One pair of blocks per ratio of naive's median to optimized's.

    `changes` maps an arm and a pair to changed fields of that block.
    """
    made = []
    for pair, ratio in enumerate(ratios):
        # The control differs from the baseline, so that tests notice if it is ignored.
        medians = {"naive": 0.001 * ratio, "optimized": 0.001, CONTROL: 0.001 * ratio * 1.001**pair}
        made += [
            record(arm, pair, medians[arm], **(changes or {}).get((arm, pair), {})) for arm in ARMS
        ]
    return tuple(made)


def experiment(blocks: Sequence[Record] = (), **changes: Any) -> Experiment:
    facts: dict[str, Any] = {
        "name": "made-up",
        "title": "Made up",
        "workload": "Three of them.",
        "arms": ARMS,
        "baseline": "naive",
        "answers_equal": True,
        "difference": None,
        "records": tuple(blocks),
    }
    return Experiment(**{**facts, **changes})


def bundle(*experiments: Experiment, **changes: Any) -> Bundle:
    facts: dict[str, Any] = {
        "measured_at": "2025-11-23T12:00:00+00:00",
        "git_revision": "0123abc",
        "machine": MACHINE,
        "settings": SETTINGS,
        "experiments": experiments or (experiment(records([1.98, 2.0, 2.02, 2.0])),),
    }
    return Bundle(**{**facts, **changes})
